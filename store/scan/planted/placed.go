package planted

import "math/rand/v2"

// Placed has secrets and places of people that only what is around them gives
// away: words without digits, PINs, degrees. What must not survive is between
// two bars, as often as it stands there.
func Placed(r *rand.Rand) map[string]string {
	const letters = "abcdefghijklmnoqrstuvxz" // with p, w and y a draw could read pwd, pass or your, as what stands for a password does
	word := func() string {
		return "¦" + token(r, "bcdfghjklmnrstvz", 4) + token(r, "aeiou", 1) + token(r, letters, 5) + "¦"
	}
	phrase := func() string {
		return "¦" + token(r, letters, 5) + " " + token(r, letters, 6) + " " + token(r, letters, 7) + "¦"
	}
	pin := "¦" + token(r, "123456789", 6) + "¦"
	return map[string]string{
		"alone on its line":     "database:\n  user: bob\n  password: " + word() + "\n",
		"exported":              `export DB_PASSWORD="` + phrase() + `"`,
		"before a command":      "PGPASSWORD=" + word() + " psql -h db",
		"two words, said":       "For the staging box the password is ¦tulip-garden¦, please keep it.",
		"said of something":     "The password of the staging box is: " + word(),
		"said in French":        "Le mot de passe est ¦espadon-bleu¦.",
		"German":                "Benutzer: bob\nPasswort: " + word(),
		"Spanish":               "contraseña: " + word(),
		"typed":                 "$ sudo -S true\n[sudo] password for bob: " + word() + "\n",
		"in colours, on a line": "password: " + word() + "\nok",
		"pin, said":             "My PIN is " + pin + " and the door opens.",
		"pin, said at the end":  "Die PIN lautet " + pin + ".",
		"pin, a number":         `{"card":"visa","pin": ` + pin + `,"ok":true}`,
		"connection string":     `psql "host=db user=app password=` + word() + ` dbname=shop"`,
		"form":                  "user=bob&password=" + word() + "&next=%2Fhome",
		"XML":                   "<login><password>" + phrase() + "</password></login>",
		"PHP":                   "'user' => 'bob', 'password' => '" + phrase() + "',",
		"Python":                `conn = connect(user="bob", password="` + word() + `")`,
		"an element":            `config["password"] = "` + word() + `"`,
		"JSON in JSON":          `{"status":200,"body":"{\"user\":\"bob\",\"password\":\"` + word() + `\"}"}`,
		"three times JSON":      `{"a":"{\"b\":\"{\\\"password\\\": \\\"` + word() + `\\\"}\"}"}`,
		"a client's secret":     `{"client_secret": "¦ZebraCrossingLamp¦"}`,
		"SQL":                   "CREATE USER 'bob'@'%' IDENTIFIED BY '" + word() + "';",
		"a role's":              "ALTER ROLE bob WITH LOGIN PASSWORD '" + word() + "';",
		"mysql":                 "mysql -uroot -p" + word() + " shop < dump.sql",
		"docker login":          "docker login -u me -p " + word() + " registry.example.org",
		"sshpass":               "sshpass -p '" + phrase() + "' ssh bob@host",
		"--password":            "restic --password " + word() + " backup",
		"--token":               "deploytool push --token ¦zzQWERabcdLKJH¦ --all",
		"openssl":               "openssl enc -d -aes-256-cbc -in x -pass pass:" + word(),
		"zip":                   "zip -P " + word() + " out.zip a b",
		"chpasswd":              "echo 'bob:" + word() + "' | sudo chpasswd",
		"CSV":                   "id,login,password\n1,bob," + word() + "\n2,eve," + word() + "\n",
		"psql":                  " id | login | password  \n----+-------+-----------\n  1 | bob   | " + word() + "\n  2 | eve   | " + word() + "\n",
		"Markdown":              "| user | password |\n|------|----------|\n| bob  | " + word() + " |\n",
		"columns":               "id  login  password\n--  -----  ----------\n1   bob    " + word() + "\n2   eve    " + word() + "\n",
		"a network's":           "WIFI:S:home;T:WPA;P:" + word() + ";;",
		"wpa_supplicant":        "network={\n  ssid=\"home\"\n  psk=\"" + phrase() + "\"\n}",
		"one-time passwords":    "otpauth://totp/Ex:bob?secret=¦JBSWY3DPEHPK3PXP¦&issuer=Ex",
		"the head of a key":     "-----BEGIN RSA PRIVATE KEY-----\n¦" + token(r, mixed, 64) + "¦\n",
		"the tail of a key":     "¦" + token(r, mixed, 64) + "¦\n-----END RSA PRIVATE KEY-----\n",
		"ODBC":                  "Server=db;User Id=sa;Password=" + word() + ";",
		"a literal":             "kubectl create secret generic db --from-literal=password=" + word(),
		"a form's field":        "curl -F user=bob -F password=" + word() + " https://x.example.org",
		"htpasswd":              "htpasswd -bc .htpasswd bob " + word(),
		"said, with a number":   "My wifi password is ¦" + token(r, lower, 8) + "42¦.",
		"a page's field":        `<input type="password" name="pw" value="` + word() + `">`,
		"PowerShell":            "ConvertTo-SecureString '" + word() + "' -AsPlainText -Force",
		"SMTP":                  "AUTH PLAIN ¦AGJvYgByZWdlbnNjaGlybQ==¦",
		"in a list of options":  "    environment:\n      - MYSQL_ROOT_PASSWORD=" + word() + "\n",
		"iban, small and bare":  "pay to ¦de89370400440532013000¦ today",
		"iban, small, spaced":   "¦gb29 nwbk 6016 1331 9268 19¦",
		"Maestro":               "charged ¦6759649826438453¦ twice",
		"card with points":      "¦4539.1488.0343.6467¦",
		"PESEL, bare":           "row 17: ¦44051401359¦ active",
		"IMEI":                  "IMEI ¦490154203237518¦",
		"phone with a stroke":   "Tel.: ¦030 / 90 18 20 44¦",
		"a place":               "She lives at ¦52.520008, 13.404954¦ now",
		"a place in JSON":       `{"lat": ¦52.52001¦, "lng": ¦13.40495¦}`,
		"a place on a map":      "https://maps.example.org/@¦52.5200,13.4050¦,17z",
		"degrees":               `¦52°31'12.0"N¦ ¦13°24'18.5"E¦`,
		"e-mail, spelled":       "write to ¦anna.kovacs [at] gmail [dot] com¦",
		"e-mail, in words":      "write to ¦anna.kovacs at gmail dot com¦",
	}
}
