package fakedata

import (
	"slices"
	"strings"
)

// transactions are things that another row settles one for one: followers.
var (
	transactions = []string{"order", "invoice", "rental", "booking", "sale", "bill", "reservation", "purchase", "loan"}
	followers    = []string{"payment", "receipt", "shipment", "delivery", "refund", "settlement"}
)

// themeOf says what a row of t is, in one word, told from the table's name.
func themeOf(t *table) string {
	themes := map[string]string{
		"person": "customer user employee staff person member contact patient author actor student teacher client guest " +
			"driver agent subscriber player doctor lead applicant candidate passenger owner manager nurse physician " +
			"tutor visitor worker borrower reader buyer seller profile recipient tenant",
		"company": "company supplier vendor organization manufacturer publisher brand shipper carrier bank partner " +
			"merchant provider insurer client account",
		"store":    "store shop branch warehouse location office site clinic hotel restaurant library hospital",
		"product":  "product item article good part merchandise",
		"country":  "country nation",
		"language": "language locale",
		"currency": "currency",
		"city":     "city town",
		"address":  "address",
		"genre":    "genre", "album": "album release record", "artist": "artist band musician", "track": "track song",
		"playlist": "playlist", "film": "film movie show", "book": "book publication title",
		"category":   "category subcategory tag topic collection",
		"lookup":     "type status role permission priority kind level unit method class state",
		"ticket":     "ticket issue case incident request complaint",
		"review":     "review comment rating feedback testimonial",
		"department": "department division team group", "project": "project", "task": "task todo milestone",
		"event": "event meeting appointment conference", "course": "course class lesson subject", "post": "post blog page",
		"region": "region province district county territory",
	}
	order := []string{
		"person", "country", "language", "currency", "city", "address", "genre", "album", "artist", "track", "playlist",
		"film", "book", "product", "store", "category", "lookup", "ticket", "review", "department", "project", "task",
		"event", "course", "post", "region", "company",
	}
	if t.column("first_name") >= 0 && t.column("last_name") >= 0 || t.column("firstname") >= 0 && t.column("lastname") >= 0 {
		return "person"
	}
	for _, theme := range order {
		if slices.Contains(strings.Fields(themes[theme]), t.last()) {
			return theme
		}
	}
	return ""
}

// finite themes name things of which the world has few.
func finite(theme string) bool {
	return slices.Contains([]string{
		"country", "language", "currency", "city", "genre", "category", "lookup", "department", "region",
	}, theme)
}

// kindRule maps names to a kind. A name matches when it ends in one of the
// phrases (words separated by a space).
type kindRule struct {
	kind    string
	phrases string // separated by "; "
}

// kindRules in the order in which they are tried.
func kindRules() []kindRule {
	return []kindRule{
		{"email", "email; e mail; mail; email address; email 1"},
		{"url", "url; uri; website; homepage; home page; web; link; href; webpage; web site"},
		{"ip", "ip; ip address; ipv4; ipv6; remote address"},
		{"mac", "mac; mac address"},
		{"extension", "extension; ext; phone extension"},
		{"packing", "quantity per unit; packaging; package size; unit size"},
		{"uuid", "uuid; guid; uid"},
		{"agent", "user agent; useragent; browser"},
		{"password", "password; password hash; passphrase; pass; pin hash"},
		{"hex", "hash; token; secret; api key; checksum; digest; sha256; sha1; md5; salt; etag; fingerprint; signature"},
		{"username", "username; user name; login; login name; nickname; nick name; handle; screen name; nick; account name"},
		{"first", "firstname; first name; given name; givenname; middlename; middle name; first; f name"},
		{"last", "lastname; last name; family name; familyname; maiden name; last; l name"},
		{"initial", "middle initial; initial; initials"},
		{"honorific", "salutation; honorific; title of courtesy; name prefix"},
		{"gender", "gender; sex"},
		{"person", "full name; fullname; display name; contact name; customer name; author; cardholder; card holder; " +
			"employee name; user full name; manager name; owner name; recipient; recipient name; contact; assignee; " +
			"reporter; reviewer; reviewer name; created by; updated by; signed by; composer; director; instructor; holder; payee; ship name; ship to; ship to name"},
		{"birth", "birth date; birthdate; date of birth; dob; birthday; born; born on; birth day"},
		{"age", "age"},
		{"phone", "phone; phone number; fax; fax number; phone 1; phone 2; contact number"},
		{"street2", "address 2; address line 2; address2; apartment; apt; suite; street 2; line 2; addressline2"},
		{"street", "address; street; street address; address 1; address line 1; address line; line 1; street name; addressline1"},
		{"postcode", "postcode; postcode code; post code; postal"},
		{"countrycode", "country code; country iso; iso2; iso code; alpha2; country iso code; iso"},
		{"country", "country; nation; country name; nationality"},
		{"city", "city; town; city name; municipality; locality; birthplace; place; location"},
		{"region", "region; province; district; county; prefecture; region name; state name; territory"},
		{"latitude", "latitude"},
		{"longitude", "longitude"},
		{"timezone", "timezone; time zone; tz"},
		{"locale", "locale; culture"},
		{"currency", "currency; currency code; iso currency"},
		{"language", "language; language name; mother tongue"},
		{"langcode", "language code"},
		{"percent", "percent; discount percent; tax rate; ratio; percentile; vat rate; interest rate; discount rate; completion; progress"},
		{"company", "company; organization; employer; business name; manufacturer; vendor; supplier; brand; company name; " +
			"organization name; publisher; counterparty; bank; bank name; merchant; shipper; carrier"},
		{"job", "job title; jobtitle; job; occupation; profession; position title; designation; title of employment; contact title"},
		{"department", "department; department name; division; team; business unit"},
		{"sku", "sku; product code; item code; part number; article number; stock code; item number; product number"},
		{"barcode", "barcode; ean; upc; gtin; ean13"},
		{"isbn", "isbn; isbn13"},
		{"card", "card number; credit card; credit card number; cc number; creditcard; pan"},
		{"last4", "last4; last 4; last four; card last4"},
		{"cvv", "cvv; cvc"},
		{"iban", "iban; bank account; account iban"},
		{"bic", "bic; swift; swift code"},
		{"taxid", "ssn; tax id; tax number; vat number; vat id; national id; social security number; passport; passport number; vat"},
		{"milliseconds", "milliseconds; millis; duration ms; ms; elapsed ms; latency ms"},
		{"bytes", "bytes; file size; size bytes; filesize; content length; bytes sent"},
		{"duration", "duration; minutes; runtime; seconds; duration minutes; length minutes; length; rental duration; elapsed; hours; duration seconds"},
		{"weight", "weight; weight kg; mass; weight grams; net weight"},
		{"dimension", "height; width; depth; radius; area; volume; distance; height cm; width cm; distance km; square feet"},
		{"temperature", "temperature"},
		{"stars", "rating; stars; score; grade; review score; satisfaction; review rating; stars given"},
		{"quantity", "quantity; count; units; stock; on hand; seats; capacity; stock quantity; in stock; inventory; copies; " +
			"items; attempts; views; likes; clicks; visits; votes; points; pages; num pages; shares; downloads; retries; reorder level; units in stock; units on order"},
		{"money", "price; cost; amount; total; subtotal; sub total; balance; salary; wage; fee; tax; discount; revenue; " +
			"budget; unit price; rate; charge; credit; debit; tip; deposit; payment; fine; freight; commission; bonus; " +
			"list price; total amount; grand total; net; gross; value; credit limit; income; premium; msrp; rental rate; " +
			"replacement cost; price cents; amount cents; total cents; tax amount; shipping cost; cents; price usd; limit; " +
			"usd; eur; gbp; paid; spend; profit; margin; cash; rent; price each; unit cost; price per unit; price paid"},
		{"year", "year; release year; model year; vintage; fiscal year; year built; publication year"},
		{"month", "month"},
		{"weekday", "weekday; day of week"},
		{"day", "day"},
		{"hour", "hour"},
		{"sequence", "line; line number; position; sequence; sort order; ordinal; rank; sort; order number seq; index; " +
			"display order; version; revision; step; line item; item number seq; track number; row number; ordering; priority order"},
		{"features", "features; special features; amenities; perks; options"},
		{"subject", "subject; headline; caption; topic; heading"},
		{"prose", "description; summary; comment; note; body; message; content; text; bio; abstract; review; feedback; reason; " +
			"details; remark; comments; notes; remarks; biography; overview; synopsis; plot; instructions; about; answer; " +
			"question; long description; short description; blurb; story; excerpt; review text; diagnosis; resolution; memo"},
		{"slug", "slug; permalink; url key"},
		{"mime", "mime; mime type; content type; media type name"},
		{"filename", "file; filename; file name; attachment"},
		{"path", "path; file path; folder; directory"},
		{"image", "image; picture; photo; avatar; thumbnail; logo; icon; cover; image data"},
		{"color", "color"},
		{"size", "size"},
		{"material", "material"},
		{"semver", "software version; app version; os version; release version"},
		{"json", "json; metadata; settings; preferences; payload; attributes; properties; config; data; extra; context; options json"},
		{"tags", "tags; keywords; labels"},
		{"status", "status; state of order; order status; payment status; stage; phase; condition; lifecycle"},
		{"priority", "priority; severity; urgency; importance"},
		{"method", "method; payment method; payment type; channel; source; medium; provider; via; card type; shipping method; ship via; origin"},
		{"type", "type; kind; category; class; group; level; tier; segment; plan; mode; role; category name; genre; format; sub type; scope"},
		{"code", "code; reference; ref; number; order number; invoice number; tracking number; account number; serial; serial number; " +
			"confirmation; voucher; coupon; coupon code; promo code; external id; po number; transaction id; reference number; key; identifier; ext id"},
		{"title", "title; job; name; label; product name; item name; film title; movie title; book title; album title; track name; song; " +
			"album; artist; artist name; product; item; movie; film; book; nom; store name; branch name; project name; event name; " +
			"course name; task; task name; playlist name; event; project; course; category title; genre name; designation name"},
	}
}

// timeWords mark a moment or a day where the type does not say so.
const timeWords = " at on date time timestamp datetime created updated modified since until expires expiry deadline "

// boolWords begin or are the name of a yes-or-no column.
const boolWords = " is has can was should allow enable enabled active verified deleted visible published archived locked " +
	"blocked approved featured newsletter subscribed optin confirmed flag admin default primary required public private " +
	"completed paid shipped discontinued available "

// kindOf chooses c's generator by its name, its type and the table it is in.
func kindOf(t *table, c *column) string {
	if k := byType(c); k != "" {
		return k
	}
	ws := c.words
	name := strings.Join(ws, " ")
	if isTime(c, ws) {
		return "time"
	}
	if isBool(c, ws) {
		return "bool"
	}
	if strings.HasSuffix(name, " state") || name == "state" {
		return "state"
	}
	for _, variant := range variants(t, ws, name) {
		for _, r := range kindRules() {
			if slices.Contains(strings.Split(r.phrases, "; "), variant) && suits(r.kind, c.class) {
				return refine(t, c, r.kind)
			}
		}
	}
	switch {
	case c.dom.enum != nil || c.dom.patterns != nil:
		return "choice"
	case ws[len(ws)-1] == "id" && c.class == classText:
		return "code"
	}
	return "plain"
}

// variants are the phrases of a name to try: the whole, then ever shorter
// ends, then without the last word, which is often a unit or an index.
func variants(t *table, ws []string, name string) []string {
	out := []string{name}
	if t.theme == name || len(ws) == 1 && ws[0] == t.last() {
		out = append(out, "name")
	}
	for i := 1; i < len(ws); i++ {
		out = append(out, strings.Join(ws[i:], " "))
	}
	if len(ws) == 1 {
		out = append(out, singular(ws)[0])
	} else if n := len(ws) - 1; ws[n] != "id" {
		out = append(out, strings.Join(ws[:n], " "), ws[n-1])
	}
	return out
}

func byType(c *column) string {
	u := strings.ToUpper(c.Type)
	switch {
	case c.class == classBool:
		return "bool"
	case strings.Contains(u, "UUID") || strings.Contains(u, "GUID"):
		return "uuid"
	case strings.Contains(u, "JSON"):
		return "json"
	case u == "YEAR":
		return "year"
	case u == "TIME":
		return "time"
	}
	return ""
}

func isTime(c *column, ws []string) bool {
	name := " " + strings.Join(ws, " ") + " "
	if strings.Contains(name, " birth") || strings.Contains(name, " dob ") || strings.Contains(name, " born ") {
		return false
	}
	if c.class == classDate || c.class == classTime {
		return true
	}
	if len(ws) == 0 || c.class == classBlob || c.class == classBool || isBool(c, ws) {
		return false
	}
	first, last := ws[0], ws[len(ws)-1]
	if last == "by" || last == "zone" || last == "count" {
		return false
	}
	return last == "at" && len(ws) > 1 || strings.Contains(timeWords, " "+last+" ") && last != "on" && last != "until" ||
		(last == "on" || last == "until") && len(ws) > 1 || first == "date" && last != "format" ||
		name == " last update " || name == " last updated " || name == " last login " || name == " last seen "
}

func isBool(c *column, ws []string) bool {
	if len(ws) == 0 || c.class == classBlob || c.class == classReal {
		return false
	}
	size, _ := typeSize(c.Type)
	if flag := strings.Trim(c.Default, "'\""); c.class == classText && size != 1 && !slices.Contains([]string{"0", "1", "Y", "N", "y", "n"}, flag) {
		return slices.Contains([]string{"is", "has"}, ws[0]) && len(ws) > 1
	}
	for _, w := range ws {
		if strings.Contains(boolWords, " "+w+" ") {
			return c.link == nil && ws[len(ws)-1] != "id" && ws[len(ws)-1] != "count" && ws[len(ws)-1] != "at"
		}
	}
	return false
}

// numeric kinds make numbers; the others make text.
func numeric(kind string) bool {
	return slices.Contains([]string{
		"age", "latitude", "longitude", "percent", "milliseconds", "bytes", "duration", "weight", "dimension", "temperature",
		"stars", "quantity", "money", "year", "month", "weekday", "day", "hour", "sequence",
	}, kind)
}

// suits reports whether a column of that class can hold what kind makes.
func suits(kind string, c class) bool {
	switch c {
	case classInt, classReal:
		return numeric(kind) || kind == "birth" || kind == "barcode" && c == classInt
	case classBlob:
		return kind == "image" || kind == "prose" || kind == "hex" || kind == "uuid"
	case classBool:
		return false
	case classDate, classTime:
		return kind == "birth"
	}
	return !numeric(kind) || kind != "stars" && kind != "sequence" && kind != "duration" && kind != "dimension"
}

// refine corrects a kind by what the table is about.
func refine(t *table, c *column, kind string) string {
	hasName := t.column("name") >= 0 || t.column("title") >= 0
	switch {
	case kind == "title" && t.theme == "person":
		if last := c.words[len(c.words)-1]; last == "title" {
			return "job"
		}
		return "person"
	case kind == "title" && (t.theme == "company" || t.theme == "store"):
		return "company"
	case (kind == "title" || kind == "language") && t.theme == "language":
		return "language"
	case kind == "title" && (t.theme == "country" || t.theme == "city" || t.theme == "currency" || t.theme == "region"):
		return t.theme
	case kind == "code" && (t.theme == "country" || t.theme == "currency" || t.theme == "language"):
		return map[string]string{"country": "countrycode", "currency": "currency", "language": "langcode"}[t.theme]
	case kind == "type" && !hasName && (t.theme == "category" || t.theme == "genre" || t.theme == "lookup"):
		return "title"
	case kind == "title" && (t.theme == "ticket" || t.theme == "review"):
		return "subject"
	}
	return kind
}
