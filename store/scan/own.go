package scan

import (
	"regexp"
	"strings"
)

// homes are the directories whose next element is somebody's name.
const homes = `(?i)(?:/home|/Users|[A-Za-z]:\\{1,2}Users)[/\\]{1,2}([^/\\\s"':;,<>|()]+)`

// What is between a name and its value: the end of the name's quotes, a sign, the
// beginning of the value's, each as it stands in JSON or in a text of that.
const is = `\\?["']?\s*[:=]\s*\\?["']?`

// version is what stands after the name of a package, and an account after that of a file.
var version = regexp.MustCompile(`^[\^~v]?\d+\.\d+|^\w+:[x*!]:\d`)

// more are rules that gitleaks has not: secrets that the words around them give away.
var more = []rule{
	{id: "home", kind: Own, keywords: []string{"/home/", "/users/", "users\\"}, reach: 60, group: 1, re: regexp.MustCompile(homes)},
	{id: "url-credentials", kind: Secrets, keywords: []string{"://"}, reach: 300, group: 1, anchored: true, re: regexp.MustCompile(`^://[^\s:/@"'<>]{0,100}:([^\s:/@"'<>$]{1,200})@[\w.-]`)},
	{id: "aws-secret-key", kind: Secrets, keywords: []string{"secret"}, reach: 100, group: 1, re: regexp.MustCompile(`(?i)aws_?(?:secret_?)?(?:access_?)?key` + is + `([A-Za-z0-9/+=]{40})(?:[^\w/+=]|$)`)},
	{id: "authorization", kind: Secrets, keywords: []string{"authorization"}, reach: 300, group: 1, anchored: true, re: regexp.MustCompile(`^(?i)authorization` + is + `(?:basic|bearer|token|apikey)\s+([\w.~+/=-]{8,})`)},
	{id: "password", kind: Secrets, keywords: passwords, read: one(passwordAt)},
	{id: "password", kind: Secrets, keywords: passwords, read: columnAt},
	{id: "password", kind: Secrets, keywords: keys, read: one(keyAt)},
	{id: "pin", kind: Secrets, keywords: []string{"pin"}, read: one(pinAt)},
	{id: "cookie", kind: Secrets, keywords: []string{"cookie:", "cookie\":", "cookie\\\":"}, reach: 4000, group: 1, hasDigit: true, anchored: true, re: regexp.MustCompile(`^(?i)cookie\\?["']?:\s*\\?["']?([\w.-]+=[^\s"'\\]{16,}(?:;\s*[^\s"'\\]+)*)`)},
	{id: "netrc", kind: Secrets, keywords: []string{"machine "}, reach: 300, group: 1, anchored: true, apart: true, valid: func(s string) bool { return !nothing()[s] }, re: regexp.MustCompile(`^(?i)machine\s+\S+\s+login\s+\S+\s+password\s+([^\s"\\]+)`)},
	{id: "pgpass", kind: Secrets, keywords: []string{":5432:", ":3306:"}, reach: 200, group: 1, anchored: true, re: regexp.MustCompile(`^:\d+:[\w*-]+:[\w*-]+:([^\s:"\\]{4,})`)},
	{id: "password-hash", kind: Secrets, keywords: []string{"$1$", "$5$", "$6$", "$y$", "$2a$", "$2b$", "$2y$", "$apr1$", "$argon2", "$pbkdf2", "scram-sha-"}, reach: 300, anchored: true, re: regexp.MustCompile(`^(?i)(?:\$[a-z0-9-]+\$|scram-sha-\d+\$)[\w./$=,+:-]{22,}`)},
	{id: "private-key", kind: Secrets, keywords: []string{"private-lines:"}, reach: 16 << 10, group: 1, anchored: true, re: regexp.MustCompile(`^(?i)private-lines:\s*\d+\s+((?:[A-Za-z0-9+/=]{16,64}(?:\s+|\\[nr])*)+)`)},
	{id: "seed-phrase", kind: Secrets, keywords: []string{"mnemonic", "seed phrase", "seed_phrase", "recovery phrase"}, reach: 300, group: 1, anchored: true, re: regexp.MustCompile(`^(?i)(?:mnemonic|(?:seed|recovery)[ _]phrase)(?: is)?` + is + `((?:[a-z]{3,8} ){11,23}[a-z]{3,8})\b`)},
	{id: "webhook", kind: Secrets, keywords: []string{"/api/webhooks/"}, reach: 120, group: 1, anchored: true, re: regexp.MustCompile(`^/api/webhooks/(\d{17,20}/[\w-]{60,})`)},
	{id: "azure-signature", kind: Secrets, keywords: []string{"?sig=", "&sig=", "\\u0026sig=", "sharedaccesskey="}, reach: 120, group: 1, anchored: true, re: regexp.MustCompile(`^(?i).{0,6}(?:sig|sharedaccesskey)=([\w%+/=-]{30,})`)},
}

// random tells a password in a sentence from a word: it has a digit and
// capitals, or signs, within.
func random(s string) bool {
	s = strings.TrimRight(s, ".!?)")
	kinds := 0
	for _, of := range []string{"0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "!#%&*+-=@^_~."} {
		if strings.ContainsAny(s, of) {
			kinds++
		}
	}
	return kinds >= 3 && entropy(s) > 2.5
}

// vendors are the beginnings of their tokens, and what follows.
var vendors = []struct{ id, begins, follows string }{
	{"openai-api-key", "sk-proj-", `[\w-]{20,}`},
	{"openai-api-key", "sk-svcacct-", `[\w-]{20,}`},
	{"openai-api-key", "sk-admin-", `[\w-]{20,}`},
	{"anthropic-api-key", "sk-ant-", `[\w-]{20,}`},
	{"openrouter-api-key", "sk-or-v1-", `[0-9a-f]{32,}`},
	{"groq-api-key", "gsk_", `[A-Za-z0-9]{40,}`},
	{"xai-api-key", "xai-", `[A-Za-z0-9]{40,}`},
	{"nvidia-api-key", "nvapi-", `[\w-]{40,}`},
	{"replicate-token", "r8_", `[A-Za-z0-9]{30,}`},
	{"hugging-face-token", "hf_", `[A-Za-z0-9]{30,}`},
	{"tavily-api-key", "tvly-", `[\w-]{20,}`},
	{"langsmith-api-key", "lsv2_", `(?:pt|sk)_[\w]{30,}`},
	{"google-client-secret", "gocspx-", `[\w-]{20,}`},
	{"google-access-token", "ya29.", `[\w-]{20,}`},
	{"google-refresh-token", "1//0", `[\w-]{30,}`},
	{"tencent-secret-id", "akid", `[A-Za-z0-9]{32}`},
	{"mailgun-key", "key-", `[0-9a-f]{32}`},
	{"resend-api-key", "re_", `[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}`},
	{"webhook-secret", "whsec_", `[A-Za-z0-9+/=]{24,}`},
	{"razorpay-key", "rzp_live_", `[A-Za-z0-9]{14,}`},
	{"sentry-token", "sntrys_", `[\w+/=-]{40,}`},
	{"sentry-token", "sntryu_", `[0-9a-f]{40,}`},
	{"dropbox-token", "sl.", `(?:u\.)?[\w-]{120,}`},
	{"airtable-token", "pat", `[A-Za-z0-9]{14}\.[0-9a-f]{64}`},
	{"notion-token", "secret_", `[A-Za-z0-9]{43}`},
	{"notion-token", "ntn_", `[A-Za-z0-9]{40,}`},
	{"figma-token", "figd_", `[\w-]{30,}`},
	{"atlassian-token", "atatt3", `[\w=-]{60,}`},
	{"bitbucket-token", "atbb", `[A-Za-z0-9]{28,}`},
	{"docker-token", "dckr_pat_", `[\w-]{20,}`},
	{"docker-token", "dckr_oat_", `[\w-]{20,}`},
	{"mapbox-token", "sk.eyj", `[\w-]{20,}\.[\w-]{20,}`},
	{"supabase-key", "sbp_", `[0-9a-f]{40}`},
	{"supabase-key", "sb_secret_", `[\w-]{20,}`},
	{"netlify-token", "nfp_", `[A-Za-z0-9]{30,}`},
	{"vercel-token", "vcp_", `[A-Za-z0-9]{24,}`},
	{"tailscale-key", "tskey-", `[a-z]+-[\w-]{20,}`},
	{"circleci-token", "ccipat_", `[A-Za-z0-9]{20,}_[0-9a-f]{40}`},
	{"buildkite-token", "bkua_", `[0-9a-f]{40}`},
	{"contentful-token", "cfpat-", `[\w-]{40,}`},
	{"typeform-token", "tfp_", `[\w-]{40,}`},
	{"posthog-key", "phx_", `[A-Za-z0-9]{40,}`},
	{"nuget-key", "oy2", `[a-z0-9]{43}`},
	{"crates-io-token", "cio", `[A-Za-z0-9]{32}`},
	{"docker-swarm-token", "swmtkn-", `1-[a-z0-9]{40,}-[a-z0-9]{20,}`},
}

// tokens are the vendors' rules.
func tokens() []rule {
	var rules []rule
	for _, v := range vendors {
		rules = append(rules, rule{
			id: v.id, kind: Secrets, keywords: []string{v.begins}, reach: 300, group: 1, anchored: true, apart: true, valid: spread,
			re: regexp.MustCompile(`^((?i:` + regexp.QuoteMeta(v.begins) + `)` + v.follows + `)(?:[^\w-]|$)`),
		})
	}
	return rules
}

// spread tells a token from a name with words in it.
func spread(s string) bool {
	return entropy(s) > 3 && (strings.ContainsAny(s, "0123456789") || strings.ToLower(s) != s && strings.ToUpper(s) != s)
}
