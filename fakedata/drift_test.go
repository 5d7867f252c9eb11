package fakedata

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// records reads a file of CSV or JSONL as maps.
func records(t *testing.T, path string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	if filepath.Ext(path) == ".csv" {
		rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			m := map[string]any{}
			for i, v := range row {
				m[rows[0][i]] = v
			}
			out = append(out, m)
		}
		return out
	}
	for d := json.NewDecoder(bytes.NewReader(data)); d.More(); {
		m := map[string]any{}
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// TestSchemaDrift: the second files with their columns called as the key says
// are what the first ones lack.
func TestSchemaDrift(t *testing.T) {
	s := load(t, "shop")
	only := recipe(2000)
	only.Mess = 0.1
	none := "[defects]\n"
	for _, k := range Defects() {
		if k != schemaDriftKind {
			none += k + " = 0\n"
		}
	}
	only.Plan = none
	for _, format := range []Format{FormatCSV, FormatJSONL} {
		dir := t.TempDir()
		answers := filepath.Join(dir, "answers.jsonl")
		if err := Generate(t.Context(), s, only, Target{Path: filepath.Join(dir, "dirty"), Format: format, Answers: answers}, nil); err != nil {
			t.Fatal(err)
		}
		if err := Generate(t.Context(), s, recipe(2000), Target{Path: filepath.Join(dir, "clean"), Format: format}, nil); err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(answers)
		if err != nil {
			t.Fatal(err)
		}
		second := map[string][]map[string]any{} // files, put right by the key
		for line := range strings.Lines(string(key)) {
			var a Answer
			if err := json.Unmarshal([]byte(line), &a); err != nil || a.Kind != schemaDriftKind {
				t.Fatalf("%v: %s", err, line)
			}
			file := a.Key[0].(string)
			if second[file] == nil {
				second[file] = records(t, filepath.Join(dir, "dirty", file))
			}
			for _, m := range second[file] {
				v, ok := m[a.Dirty.(string)]
				if !ok {
					t.Fatalf("%s has no column %v", file, a.Dirty)
				}
				delete(m, a.Dirty.(string))
				if a.Clean != nil {
					m[a.Clean.(string)] = v
				}
			}
		}
		files, _ := filepath.Glob(filepath.Join(dir, "dirty", "*.part2.*"))
		if len(files) != len(s.Tables) || len(second) != len(files) {
			t.Errorf("%s: %d second files, %d in the key, for %d tables", format, len(files), len(second), len(s.Tables))
		}
		for _, table := range s.Tables {
			name := table.Name + "." + string(format)
			want, got := records(t, filepath.Join(dir, "clean", name)), records(t, filepath.Join(dir, "dirty", name))
			part := second[table.Name+".part2."+string(format)]
			if share := float64(len(part)) / float64(len(want)); share < 0.05 || share > 0.15 {
				t.Errorf("%s: %d of %d rows are in the second file", name, len(part), len(want))
			}
			if !slices.EqualFunc(want, append(got, part...), maps.Equal) {
				t.Errorf("%s: both files together are not the clean twin's", name)
			}
		}
		score, err := ScoreFindings(bytes.NewReader(key), bytes.NewReader(key))
		if err != nil || score.Precision != 1 || score.Recall != 1 {
			t.Errorf("who finds all is given %+v, %v", score, err)
		}
	}
}
