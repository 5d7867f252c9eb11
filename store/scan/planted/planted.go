// Package planted makes secrets and personal data that are nobody's, for tests
// to plant and look for again.
package planted

import (
	"math/rand/v2"
	"strings"
)

// random letters and digits that no rule calls an example.
func token(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	lower = "abcdefghijklmnopqrstuvwxyz"
	digit = "0123456789"
	mixed = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digit
	hex   = "0123456789abcdef"
)

// Secrets draws one value of each of some eighty common kinds, in the words that
// it usually stands in; what must not survive is between the two bars.
func Secrets(r *rand.Rand) map[string]string {
	up := strings.ToUpper(lower)
	return map[string]string{
		"aws access key":        "|AKIA" + token(r, up+"234567", 16) + "|",
		"aws secret key":        "aws_secret_access_key = |" + token(r, mixed, 40) + "|",
		"github token":          "|ghp_" + token(r, mixed, 36) + "|",
		"github fine-grained":   "|github_pat_" + token(r, mixed, 82) + "|",
		"github oauth":          "|gho_" + token(r, mixed, 36) + "|",
		"gitlab token":          "|glpat-" + token(r, mixed, 20) + "|",
		"slack bot token":       "|xoxb-" + token(r, digit, 12) + "-" + token(r, digit, 12) + "-" + token(r, mixed, 24) + "|",
		"slack webhook":         "|https://hooks.slack.com/services/T" + token(r, up+digit, 10) + "/B" + token(r, up+digit, 10) + "/" + token(r, mixed, 24) + "|",
		"stripe key":            "|sk_live_" + token(r, mixed, 24) + "|",
		"openai key":            "|sk-" + token(r, mixed, 20) + "T3BlbkFJ" + token(r, mixed, 20) + "|",
		"anthropic key":         "|sk-ant-api03-" + token(r, mixed, 93) + "AA|",
		"google api key":        "|AIza" + token(r, mixed, 35) + "|",
		"npm token":             "|npm_" + token(r, lower+digit, 36) + "|",
		"pypi token":            "|pypi-AgEIcHlwaS5vcmc" + token(r, mixed, 60) + "|",
		"sendgrid key":          "|SG." + token(r, mixed, 22) + "." + token(r, mixed, 43) + "|",
		"twilio key":            "|SK" + token(r, hex, 32) + "|",
		"mailchimp key":         "mailchimp_api_key: |" + token(r, hex, 32) + "-us20|",
		"shopify token":         "|shpat_" + token(r, hex, 32) + "|",
		"digitalocean token":    "|dop_v1_" + token(r, hex, 64) + "|",
		"hugging face token":    "|hf_" + token(r, lower, 34) + "|",
		"jwt":                   "|eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + "eyJzdWIiOiI" + token(r, mixed, 30) + "." + token(r, mixed, 43) + "|",
		"private key":           "-----BEGIN RSA PRIVATE KEY-----\n|" + strings.Repeat(token(r, mixed, 64)+"\n", 20) + "|-----END RSA PRIVATE KEY-----",
		"openssh key":           "-----BEGIN OPENSSH PRIVATE KEY-----\n|" + strings.Repeat(token(r, mixed, 70)+"\n", 6) + "|-----END OPENSSH PRIVATE KEY-----",
		"age key":               "|AGE-SECRET-KEY-1" + token(r, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58) + "|",
		"url credentials":       "postgres://app:|" + token(r, mixed, 12) + "|@db.corp.de/orders",
		"basic authorization":   "Authorization: Basic |" + token(r, mixed, 24) + "|",
		"bearer authorization":  `{"Authorization":"Bearer |` + token(r, mixed, 40) + `|"}`,
		"password in a setting": "DB_PASSWORD=|" + token(r, mixed, 10) + "7|",
		"password in JSON":      `{"password": "|` + token(r, mixed, 14) + `7!|"}`,
		"password with signs":   `{"password": "|` + token(r, mixed, 12) + "&" + token(r, mixed, 12) + `<é/7|"}`,
		"password, quoted":      `export PGPASSWORD='|` + token(r, mixed, 12) + `"$` + token(r, mixed, 12) + `;9|'`,
		"generic api key":       `api_key = "|` + token(r, mixed, 32) + `9|"`,
		"client secret":         `client_secret: "|` + token(r, mixed, 36) + `9|"`,
		"telegram bot token":    "telegram_token=|" + "1" + token(r, digit, 9) + ":A" + token(r, mixed, 34) + "|",
		"azure client secret":   `AZURE_CLIENT_SECRET="|` + token(r, mixed, 3) + "8Q~" + token(r, mixed, 34) + `|"`,
		"databricks token":      "|dapi" + token(r, hex, 32) + "|",
		"grafana token":         "|glsa_" + token(r, mixed, 32) + "_" + token(r, hex, 8) + "|",
		"vault token":           "|hvs." + token(r, mixed, 95) + "|",
		"linear key":            "|lin_api_" + token(r, mixed, 40) + "|",
		"doppler token":         "|dp.pt." + token(r, mixed, 43) + "|",
		"postman key":           "|PMAK-" + token(r, hex, 24) + "-" + token(r, hex, 34) + "|",
		"new relic key":         "new_relic_key = |NRAK-" + token(r, up+digit, 27) + "|",
		"curl with a password":  "curl -u admin:|" + token(r, mixed, 16) + "| https://intra.corp.de/",
		"square token":          "|sq0atp-" + token(r, mixed, 22) + "|",
		"1password secret key":  "|A3-" + token(r, up+digit, 6) + "-" + token(r, up+digit, 11) + "-" + token(r, up+digit, 5) + "-" + token(r, up+digit, 5) + "-" + token(r, up+digit, 5) + "|",
		"fly token":             "|fo1_" + token(r, mixed, 43) + "|",
		"pulumi token":          "|pul-" + token(r, hex, 40) + "|",
		"rubygems key":          "|rubygems_" + token(r, hex, 48) + "|",
		"cloudflare key":        "cloudflare_api_key = |" + token(r, lower+digit, 40) + "|",
		"datadog key":           "datadog_api_key: |" + token(r, lower+digit, 40) + "|",
		"openai project key":    "|sk-proj-" + token(r, mixed, 48) + "|",
		"openrouter key":        "|sk-or-v1-" + token(r, hex, 64) + "|",
		"groq key":              "|gsk_" + token(r, mixed, 52) + "|",
		"xai key":               "|xai-" + token(r, mixed, 80) + "|",
		"replicate token":       "|r8_" + token(r, mixed, 37) + "|",
		"google client secret":  "|GOCSPX-" + token(r, mixed, 28) + "|",
		"google access token":   "|ya29." + token(r, mixed, 120) + "|",
		"discord webhook":       "https://discord.com/api/webhooks/|" + token(r, digit, 18) + "/" + token(r, mixed, 68) + "|",
		"azure storage key":     "AccountName=x;AccountKey=|" + token(r, mixed, 86) + "==|;EndpointSuffix=core.windows.net",
		"azure signature":       "https://x.blob.core.windows.net/c?sv=2020-08-04&sig=|" + token(r, mixed, 40) + "%3D|",
		"docker token":          "|dckr_pat_" + token(r, mixed, 27) + "|",
		"atlassian token":       "|ATATT3xFfGF0" + token(r, mixed, 180) + "|",
		"figma token":           "|figd_" + token(r, mixed, 40) + "|",
		"notion token":          "|ntn_" + token(r, digit, 11) + token(r, mixed, 35) + "|",
		"airtable token":        "|pat" + token(r, mixed, 14) + "." + token(r, hex, 64) + "|",
		"supabase key":          "|sbp_" + token(r, hex, 40) + "|",
		"tailscale key":         "|tskey-auth-" + token(r, mixed, 12) + "CNTRL-" + token(r, mixed, 32) + "|",
		"webhook secret":        "|whsec_" + token(r, mixed, 32) + "|",
		"nuget key":             "|oy2" + token(r, lower+digit, 43) + "|",
		"password, German":      "Passwort: |" + token(r, mixed, 12) + "7|",
		"password, French":      "mot de passe : |" + token(r, mixed, 12) + "7|",
		"password in a name":    "DB_PASS=|" + token(r, mixed, 12) + "7|",
		"password, said":        "The password is |" + token(r, lower, 5) + token(r, up, 4) + token(r, digit, 3) + "|",
		"password for sshpass":  "sshpass -p '|" + token(r, mixed, 10) + "$7|' ssh x",
		"password for mysql":    "mysql -u root -p|" + token(r, mixed, 12) + "7| orders",
		"password argument":     "restic --password |" + token(r, mixed, 14) + "7| backup",
		"netrc":                 "machine api.corp.de login ada password |" + token(r, mixed, 14) + "|",
		"pgpass":                "db.corp.de:5432:orders:app:|" + token(r, mixed, 14) + "|",
		"shadow":                "root:|$6$" + token(r, mixed, 8) + "$" + token(r, mixed, 86) + "|:19000:0:99999:7:::",
		"bcrypt":                "ada:|$2y$10$" + token(r, mixed, 53) + "|",
		"session cookie":        "Cookie: |session=" + token(r, mixed, 40) + "7|",
		"seed phrase":           "mnemonic: |legal winner thank year wave sausage worth useful legal winner thank yellow|",
		"heroku key":            "heroku_key=|" + token(r, hex, 8) + "-" + token(r, hex, 4) + "-4" + token(r, hex, 3) + "-8" + token(r, hex, 3) + "-" + token(r, hex, 12) + "|",
	}
}

// Personal has values of some fifty kinds, made by hand; none is anybody's.
func Personal() map[string]string {
	return map[string]string{
		"e-mail":                "|grete.muster@posteo-mail.de|",
		"e-mail in brackets":    "From: Grete <|g.muster+x@mail.firma-muster.com|>",
		"phone":                 "|+49 30 901820|",
		"phone, American":       "|(212) 664-7665|",
		"phone, closed up":      "tel:|+442071838750|",
		"card":                  "|4539 1488 0343 6467|",
		"card, closed up":       "|5425233430109903|",
		"iban":                  "|DE89 3704 0044 0532 0130 00|",
		"iban, closed up":       "|GB29NWBK60161331926819|",
		"us social security":    "|536-90-4399|",
		"uk insurance number":   "|AB 12 34 56 C|",
		"swiss ahv":             "|756.9217.0769.85|",
		"french nir":            "|2 55 08 14 168 025 38|",
		"brazilian cpf":         "|529.982.247-25|",
		"italian tax code":      "|RSSMRA85T10A562S|",
		"spanish dni":           "|12345678Z|",
		"ip address":            "client |93.184.216.34| connected",
		"ip address, v6":        "|2606:2800:220:1:248:1893:25c8:1946|",
		"network card":          "|3c:52:82:1f:9b:07|",
		"date of birth":         "born on |12.03.1984|",
		"date of birth, JSON":   `{"date_of_birth":"|1984-03-12|"}`,
		"passport":              "Passport No: |C01X00T47|",
		"passport, by machine":  "|C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4|",
		"phone, national":       "Tel. |030 901820|",
		"phone, French":         "|+33 1 42 68 53 00|",
		"phone, Indian":         "|+91-98765-43210|",
		"phone in JSON":         `{"customer_phone":"|07911 123456|"}`,
		"iban, small":           "IBAN: |nl91abna0417164300|",
		"card, American":        "|3456 712345 67891|",
		"ssn, closed up":        `{"ssn":"|536904399|"}`,
		"dutch bsn":             "BSN: |111222333|",
		"polish pesel":          "PESEL |44051401359|",
		"indian aadhaar":        "Aadhaar |2341 2345 6789|",
		"indian pan":            "PAN: |ABCPE1234F|",
		"canadian sin":          "SIN |046 454 286|",
		"belgian number":        "|85.07.30-033.28|",
		"chilean rut":           "RUT |12.345.678-5|",
		"argentine cuit":        "|20-12345678-6|",
		"brazilian cnpj":        "|11.222.333/0001-81|",
		"mexican curp":          "|HEGG560427MVZRRL04|",
		"korean number":         "|900101-1234568|",
		"singapore nric":        "|S1234567D|",
		"spanish nie":           "|X1234567L|",
		"british nhs":           "NHS number |943 476 5919|",
		"german tax id":         "Steuer-ID: |86095742719|",
		"swedish number":        "personnummer |811228-9874|",
		"finnish number":        "HETU |131052-308T|",
		"driving licence":       "driver license: |D1234562|",
		"bank account":          "account number: |1234567890|",
		"date of birth, words":  "date of birth: |12 March 1984|",
		"date of birth, German": "geboren am |12.03.1984|",
	}
}

// Token draws n letters and digits.
func Token(r *rand.Rand, n int) string { return token(r, mixed, n) }
