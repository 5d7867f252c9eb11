package tui

import "testing"

func TestBackgroundUntilTheTerminalAnswers(t *testing.T) {
	for colours, dark := range map[string]bool{"": true, "15;0": true, "0;15": false, "0;default;7": false, "7;8": true, "nonsense": true} {
		if darkSays(colours) != dark {
			t.Errorf("COLORFGBG=%q: dark %v", colours, !dark)
		}
	}
}
