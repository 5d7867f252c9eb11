package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxConfig bounds a configuration file: nobody writes a longer one.
const maxConfig = 1 << 20

// readFile puts what file sets over what c holds. Errors name the file, the
// line and the key.
func (c *config) readFile(file string) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &exitError{
			code: exitUsage, msg: "there is no configuration file " + file, err: err,
			hint: "glovebox policy init, which writes a commented glovebox.toml",
		}
	} else if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfig {
		return fmt.Errorf("reading the configuration: %s is not a configuration file", file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	text := string(data)
	where := func(key string) string {
		if n := lineOf(text, key); n > 0 {
			return fmt.Sprintf("%s:%d", file, n)
		}
		return file
	}
	before, stubs, prices := c.Rules, c.Stubs, c.Prices
	c.Rules, c.Stubs, c.Prices = nil, nil, nil // a list of tables would be decoded over the one that is there
	meta, err := toml.Decode(text, c)
	if err != nil {
		return tomlError(file, err)
	}
	known := configKeys(reflect.TypeFor[config](), "")
	for _, k := range meta.Keys() {
		if key := k.String(); !known[key] && !strings.HasPrefix(key, "tool.parameters.") {
			return fmt.Errorf("%s: there is no key %q%s", where(key), key, didYouMean(key, known))
		}
		c.from[k.String()] = where(k.String())
	}
	c.Stubs, c.Prices = append(stubs, c.Stubs...), append(prices, c.Prices...)
	if i, err := c.wrongStub(); err != nil {
		return fmt.Errorf("%s:%d: %w", file, lineOfTable(text, "tool", i-len(stubs), ""), err)
	}
	for i := range c.Rules {
		c.Rules[i].From = fmt.Sprintf("%s:%d", file, lineOfTable(text, "rule", i, ""))
	}
	c.Rules = append(before, c.Rules...)
	if err := c.wrongRule(); err != nil {
		return fmt.Errorf("%s:%d: rule %d, %s: %s", file, lineOfTable(text, "rule", err.Index-len(before), err.Key), err.Index-len(before)+1, err.Key, err.Why)
	}
	if key, why := c.wrong(); key != "" {
		return fmt.Errorf("%s: %s", where(key), why)
	}
	return nil
}

// lineOfTable finds the line of a key in the n-th table (from 0) of a list of
// tables, else that of the table.
func lineOfTable(text, table string, n int, key string) int {
	head, inside := 0, false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "[[[") {
			if inside {
				break
			}
			if strings.HasPrefix(line, "[[") && strings.TrimSpace(strings.Trim(line[:strings.LastIndexByte(line, ']')+1], "[]")) == table {
				if n--; n < 0 {
					head, inside = i+1, true
				}
			}
			continue
		}
		if name, _, isKey := strings.Cut(line, "="); inside && isKey && strings.TrimSpace(name) == key {
			return i + 1
		}
	}
	return head
}

var tomlMessage = regexp.MustCompile(`^toml: line (\d+)(?: \(last key "(.*)"\))?: (.*)$`)

// tomlTypes are the two ways in which the decoder says that a value has another
// type than it must have.
var tomlTypes = regexp.MustCompile(`^(?:incompatible types: TOML value has type (\S+); destination has type (\S+)|type mismatch for \S+: expected (\S+) but found (\S+))$`)

// typeWord is a type as one who writes TOML calls it.
func typeWord(of string) string {
	for _, w := range [][2]string{
		{"string", "a text in quotes"},
		{"int", "a whole number"},
		{"float", "a number"},
		{"bool", "true or false"},
		{"slice", "a list"},
		{"[]", "a list"},
		{"map", "a table"},
		{"table", "a table"},
		{"struct", "a table"},
	} {
		if strings.HasPrefix(of, w[0]) {
			return w[1]
		}
	}
	return "a " + of
}

// tomlError turns "toml: line 3 (last key …): …" into "FILE:3: …".
func tomlError(file string, err error) error {
	m := tomlMessage.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "toml: "))
	}
	key, why := m[2], m[3]
	if t := tomlTypes.FindStringSubmatch(why); t != nil {
		why = fmt.Sprintf("this is %s; it must be %s", typeWord(t[1]+t[4]), typeWord(t[2]+t[3]))
	}
	if key != "" {
		key += ": "
	}
	return fmt.Errorf("%s:%s: %s%s", file, m[1], key, why)
}

// configKeys lists the keys of a configuration, tables included.
func configKeys(t reflect.Type, prefix string) map[string]bool {
	keys := map[string]bool{}
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("toml"); tag == "" || tag == "-" {
			continue
		}
		key := prefix + t.Field(i).Tag.Get("toml")
		keys[key] = true
		inner := t.Field(i).Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			maps.Copy(keys, configKeys(inner, key+"."))
		}
	}
	return keys
}

// lineOf finds the line where a key is set: a table's header, or a key in its
// table. It returns 0 where the key is written in some other way.
func lineOf(text, key string) int {
	table := ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table, _, _ = strings.Cut(strings.TrimLeft(line, "["), "]")
			table = strings.TrimSpace(table)
			if table == key {
				return i + 1
			}
			continue
		}
		name, _, isKey := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if table != "" {
			name = table + "." + name
		}
		if isKey && (name == key || strings.HasPrefix(name, key+".")) {
			return i + 1
		}
	}
	return 0
}
