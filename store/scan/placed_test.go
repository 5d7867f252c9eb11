package scan_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"glovebox/store/scan"
	"glovebox/store/scan/planted"
)

func TestFindsWhatItsPlaceGivesAway(t *testing.T) {
	s, err := scan.New(scan.Secrets | scan.Personal)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		for name, text := range planted.Placed(rand.New(rand.NewPCG(seed, 3))) {
			parts := strings.Split(text, "¦")
			for _, around := range [][2]string{{"", ""}, {"a line before\n", "\nand after"}, {"\n\n", "\n\n"}} {
				out, _ := s.Redact(around[0] + strings.Join(parts, "") + around[1])
				for i := 1; i < len(parts); i += 2 {
					if strings.Contains(out, parts[i]) {
						t.Errorf("seed %d, %s: left %q", seed, name, out)
					}
				}
			}
		}
	}
}

// What is said about passwords, without one; numbers that are no place; what
// programs, their texts for people and their manuals are full of.
func TestLeavesTalkOfPasswordsAlone(t *testing.T) {
	s, err := scan.New(scan.Secrets | scan.Personal)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		// sentences
		"The password is required.", "your password is case-sensitive and well-known", "The password is wrong, or was changed.", "password for the admin account:\n", "Enter password:", "Forgot your password? Reset it here.",
		"It asks for a password: type it.", "passwords: hashed, salted", "The PIN is wrong. pin 13 is an output, GPIO pin: 17, pinned to 1234.5, pins 1000", "spinning 12345", "change the password to something safe",
		"Password: \n\nWelcome", "[sudo] password for bob: \nSorry, try again.", "password is base64-encoded", "Wrong password: try again", "Passphrase: optional",
		// programs
		"password := readPassword(os.Stdin)", "if password == \"\" {", "password = args.password", "self.password = password", "passwd = getpass.getpass()", "password: string;", "  password: string", "password?: string | null", "Password string `json:\"password\"`",
		"func login(user, password string) error {", "def login(user, password=None):", "connect(user=user, password=password)", "const password = process.env.DB_PASSWORD", "$password = $_POST['password'];", "password: ${DB_PASSWORD}", "password: {{ .Values.password }}",
		"PASSWORD=$(cat /run/secrets/db)", "PASSWORD=\"$1\"", "export PGPASSWORD=${PGPASSWORD:-}", "echo $PASSWORD", "PWD=/work", "OLDPWD=/home", "password = config[\"password\"]", "'password' => env('DB_PASSWORD'),", "'password' => 'required|min:8',",
		"user, password = get(x)\nhost, address = find(y)\n", "for (const password of passwords) {", "hash(password, salt)", "password=%s", "token=self.token, api_key=api_key", "access_token: \"access_token\"",
		// texts of programs, for people
		`{"password": "Password", "password_hint": "At least eight characters", "passwordConfirm": "Confirm your password"}`, `password: "Your password"`, `"password": "Enter a new one"`, `label.password=Password`, `<label for="password">Password</label>`, `<input type="password" name="password" placeholder="Password">`,
		`"password": {"type": "string", "format": "password"}`, "password:\n  type: string\n", "password: null", "\"password\": \"string\"", "\"password\": \"********\"", "password: <your password>", "password=changeme", "POSTGRES_PASSWORD=postgres",
		// manuals
		"  --password string   the password of the registry", "--password-stdin", "Use --password to give one, --token with a file", "--token TOKEN", "--token=<token>", "--secret name=value", "mysql -u root -p shop", "mysql -h db -P 3306", "docker run -p 8080:80 nginx", "docker login -p\n", "unzip -p x.zip", "zip -r out.zip dir", "ssh -p 2222 host",
		"passwd:         files systemd\ngroup:          files systemd\n", "passwd: password updated successfully", "PasswordAuthentication no", "pam_unix(sshd:auth): authentication failure", "| option | password |\n|---|---|\n| -p | the password |\n",
		"docker login -u me --password-stdin reg.example.org", "az login --service-principal -u app", "7z a my-project.7z src", "zip -r my-Project.zip src", "podman login reg.example.org -u bob --authfile my-pass.json",
		// tables of other things
		"auth\t\tinclude\t\tsu\naccount\t\tinclude\t\tsu\npassword\tinclude\t\tsu\nsession\t\toptional\tpam_keyinit.so force revoke\nsession\t\tinclude\t\tsu\n", "password\t12\nshipping\t5\n", "2|password|TEXT|0||0\n3|created_at|TEXT|0||0\n",
		"\tvar pwd _C_struct_passwd\n\tvar found bool\n", "type entry struct {\n\tmachine string\n\tlogin string\n\tpassword string\n}\n", "opts.Password = inspected[0].SecretData", "\tPassword *OAuthFlow `json:\"password,omitempty\"`",
		"IDENTIFIED BY ?", "ALTER USER bob PASSWORD NULL", "<password>${env.PASSWORD}</password>", "<password></password>",
		// numbers
		`<path d="M 52.520008,13.404954 L 51.500012,12.300011 C 1.23456,7.65432 3.45678,9.87654 5.67891,4.32198"/>`, "0.123456, 0.654321", "1.234567, 2.345678, 3.456789", "[12.345678, 45.678901]", "x=52.520008,13.404954", "loss: 2.345678 acc: 45.678901",
		"{\"lat\": 52.52, \"lng\": 13.41}", "latency: 12.345678", "platform: 52.520008", "later=1.23456", "5282 5281 5290 5293 5299", "-4507534739750823898", "0.4539148803436467", "de89370400440532013001", "be89370400440532", "ee382200221020145685aa", "44051401358",
		"meet at noon dot", "at org dot", "look at amazon dot com", "IMEI 490154203237517",
	} {
		if out, found := s.Redact(text); len(found) > 0 {
			t.Errorf("%s\nbecame %s", text, out)
		}
	}
}
