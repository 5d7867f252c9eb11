package redact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"glovebox/store/proof"
	"glovebox/store/redact"
)

// Pictures stay behind in whatever shape an event from elsewhere has them.
func TestPicturesStay(t *testing.T) {
	for _, value := range []string{
		`[{"name":"x.png","type":"image/png","data":"UElDVFVSRQ=="}]`,
		`[{"name":1,"data":"UElDVFVSRQ=="}]`,
		`[{"name":"x"},["UElDVFVSRQ=="]]`,
		`{"data":"UElDVFVSRQ=="}`,
		`"UElDVFVSRQ=="`,
		`[{"name":"x","data":["UElDVFVSRQ=="]}]`,
		`[{"name":"x","more":"UElDVFVSRQ=="}]`,
	} {
		r, err := redact.New()
		if err != nil {
			t.Fatal(err)
		}
		out, changed := r.Fields(2, []proof.Field{{Name: "images", Value: []byte(value)}})
		if got := string(out[0].Value); strings.Contains(got, "UElDVFVSRQ") || !changed[0] || !json.Valid(out[0].Value) {
			t.Errorf("of %s %s is left", value, got)
		}
	}
}
