package agent

const (
	scriptErrorType = "script_expectation"
	scriptErrorText = 2000
)
