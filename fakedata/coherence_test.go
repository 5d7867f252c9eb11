package fakedata

import (
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// none runs queries that each count what must not be.
func none(t *testing.T, db *sql.DB, queries map[string]string) {
	t.Helper()
	for what, q := range queries {
		if n := one(t, db, q); n != 0 {
			t.Errorf("%d times: %s", n, what)
		}
	}
}

func TestShopIsCoherent(t *testing.T) {
	db, _ := generate(t, load(t, "shop"), recipe(10_000))
	none(t, db, map[string]string{
		"total is not the sum of the lines":     "SELECT count(*) FROM orders o WHERE total_cents IS NOT (SELECT sum(quantity * unit_price_cents) FROM order_items WHERE order_id = o.id)",
		"line's price is not the product's":     "SELECT count(*) FROM order_items i JOIN products p ON p.id = product_id WHERE unit_price_cents <> price_cents",
		"payment is not the order's total":      "SELECT count(*) FROM payments p JOIN orders o ON o.id = order_id WHERE amount_cents <> total_cents",
		"order without a payment":               "SELECT count(*) FROM orders WHERE id NOT IN (SELECT order_id FROM payments)",
		"order goes to someone else's address":  "SELECT count(*) FROM orders o JOIN addresses a ON a.id = shipping_address_id WHERE a.customer_id <> o.customer_id",
		"ticket about someone else's order":     "SELECT count(*) FROM tickets t JOIN orders o ON o.id = order_id WHERE t.customer_id <> o.customer_id",
		"order before its customer":             "SELECT count(*) FROM orders o JOIN customers c ON c.id = customer_id WHERE o.created_at < c.created_at",
		"product that came after the order":     "SELECT count(*) FROM order_items i JOIN orders o ON o.id = order_id JOIN products p ON p.id = product_id WHERE p.created_at > o.created_at",
		"order that came before the one before": "SELECT count(*) > 60 FROM orders a JOIN orders b ON b.id = a.id + 1 WHERE b.created_at < a.created_at",
		"customer who came before the last one": "SELECT count(*) FROM customers a JOIN customers b ON b.id = a.id + 1 WHERE b.created_at < a.created_at",
		"paid before it was ordered":            "SELECT count(*) FROM payments p JOIN orders o ON o.id = order_id WHERE paid_at < o.created_at",
		"review before the product or customer": "SELECT count(*) FROM reviews r JOIN customers c ON c.id = customer_id JOIN products p ON p.id = product_id WHERE r.created_at < c.created_at OR r.created_at < p.created_at",
		"ticket before its order":               "SELECT count(*) FROM tickets t JOIN orders o ON o.id = order_id WHERE opened_at < o.created_at",
		"dates out of order":                    "SELECT count(*) FROM orders WHERE NOT (created_at <= coalesce(shipped_at, created_at) AND coalesce(shipped_at, created_at) <= coalesce(delivered_at, updated_at) AND coalesce(delivered_at, created_at) <= updated_at)",
		"delivered but never shipped":           "SELECT count(*) FROM orders WHERE delivered_at IS NOT NULL AND shipped_at IS NULL",
		"status and dates disagree":             "SELECT count(*) FROM orders WHERE (status IN ('shipped','delivered','returned')) <> (shipped_at IS NOT NULL) OR (status IN ('delivered','returned')) <> (delivered_at IS NOT NULL)",
		"refund of an order that was kept":      "SELECT count(*) FROM payments p JOIN orders o ON o.id = order_id WHERE (p.status = 'refunded') <> (o.status = 'returned')",
		"closed ticket without a date":          "SELECT count(*) FROM tickets WHERE (status IN ('solved','closed')) <> (closed_at IS NOT NULL)",
		"few products are active":               "SELECT avg(active) NOT BETWEEN 0.8 AND 0.95 FROM products",
		"later than the recipe's clock":         "SELECT (SELECT count(*) FROM orders WHERE updated_at > '2026-11-23 12:00:00') + (SELECT count(*) FROM reviews WHERE created_at > '2026-11-23 12:00:00')",
		"e-mail does not fit the name":          "SELECT count(*) FROM customers WHERE first_name GLOB '[A-Z]*' AND first_name NOT GLOB '*[^A-Za-z]*' AND email NOT LIKE lower(first_name) || '.%'",
		"country and code disagree":             "SELECT count(*) FROM (SELECT country FROM addresses GROUP BY country HAVING count(DISTINCT country_code) > 1)",
		"city in two countries":                 "SELECT count(*) FROM (SELECT city FROM addresses GROUP BY city HAVING count(DISTINCT country) > 1)",
		"customer with addresses in two places": "SELECT count(*) FROM (SELECT customer_id FROM addresses GROUP BY customer_id HAVING count(DISTINCT city) > 1)",
		"phone number of another country":       "SELECT count(*) FROM addresses a JOIN customers c ON c.id = customer_id WHERE country = 'Germany' AND phone NOT LIKE '+49 %' OR country = 'Spain' AND phone NOT LIKE '+34 %'",
		"German with a foreign postcode":        "SELECT count(*) FROM addresses WHERE country = 'Germany' AND postcode NOT GLOB '[0-9][0-9][0-9][0-9][0-9]'",
		"good words for a bad rating":           "SELECT count(*) FROM reviews WHERE rating < 3 AND body LIKE '%Would buy it again%'",
		"line numbers with a gap":               "SELECT count(*) FROM (SELECT order_id FROM order_items GROUP BY order_id HAVING max(line_no) <> count(*))",
	})
	for _, status := range []string{"pending", "paid", "shipped", "delivered", "returned", "cancelled"} {
		if one(t, db, "SELECT count(*) FROM orders WHERE status = '"+status+"'") == 0 {
			t.Errorf("no order is %s", status)
		}
	}
}

func TestPopularityHasALongTail(t *testing.T) {
	db, _ := generate(t, load(t, "shop"), recipe(10_000))
	for _, q := range []string{
		"SELECT product_id k, count(*) n FROM order_items GROUP BY 1", "SELECT customer_id k, count(*) n FROM orders GROUP BY 1",
	} {
		top := one(t, db, "SELECT 100 * sum(n) / (SELECT sum(n) FROM ("+q+")) FROM (SELECT n FROM ("+q+") ORDER BY n DESC LIMIT 100)")
		distinct := one(t, db, "SELECT count(*) FROM ("+q+")")
		if top < 40 || top > 80 || distinct < 500 {
			t.Errorf("%s: the first tenth has %d %%, %d different ones", q, top, distinct)
		}
	}
}

func TestChinookIsCoherent(t *testing.T) {
	db, _ := generate(t, load(t, "chinook"), recipe(3000))
	none(t, db, map[string]string{
		"invoice total is not the sum of its lines": "SELECT count(*) FROM Invoice i WHERE abs(Total - (SELECT sum(UnitPrice * Quantity) FROM InvoiceLine l WHERE l.InvoiceId = i.InvoiceId)) > 0.001",
		"line's price is not the track's":           "SELECT count(*) FROM InvoiceLine l JOIN Track t USING (TrackId) WHERE l.UnitPrice <> t.UnitPrice",
		"billed to where the customer is not":       "SELECT count(*) FROM Invoice JOIN Customer USING (CustomerId) WHERE BillingCity <> City OR BillingCountry <> Country OR BillingAddress <> Address",
		"born after being hired":                    "SELECT count(*) FROM Employee WHERE date(BirthDate, '+17 years') > HireDate",
		"manager above oneself":                     "SELECT count(*) FROM Employee WHERE ReportsTo >= EmployeeId",
		"no head":                                   "SELECT count(*) = 0 FROM Employee WHERE ReportsTo IS NULL",
		"lower-case name":                           "SELECT count(*) FROM Artist WHERE Name GLOB '[a-z]*'",
	})
}

func TestSakilaIsCoherent(t *testing.T) {
	db, _ := generate(t, load(t, "sakila"), recipe(3000))
	none(t, db, map[string]string{
		"returned before it was rented":    "SELECT count(*) FROM rental WHERE return_date < rental_date",
		"paid by another customer":         "SELECT count(*) FROM payment p JOIN rental r USING (rental_id) WHERE p.customer_id <> r.customer_id OR p.staff_id <> r.staff_id",
		"paid before it was rented":        "SELECT count(*) FROM payment p JOIN rental r USING (rental_id) WHERE payment_date < rental_date",
		"rented before the customer came":  "SELECT count(*) FROM rental r JOIN customer c USING (customer_id) WHERE rental_date < create_date",
		"city in the wrong country":        "SELECT count(*) FROM city JOIN country USING (country_id) WHERE city = 'Munich' AND country <> 'Germany' OR city = 'Lyon' AND country <> 'France'",
		"two rows for one city":            "SELECT count(*) - count(DISTINCT city) FROM city",
		"district of another city":         "SELECT count(*) FROM address a JOIN city USING (city_id) WHERE city = 'Munich' AND district <> 'Bavaria'",
		"manager of another store":         "SELECT count(*) FROM store s JOIN staff t ON staff_id = manager_staff_id WHERE t.store_id <> s.store_id",
		"film and its text differ":         "SELECT count(*) FROM film f JOIN film_text x USING (film_id) WHERE f.title <> x.title OR f.description IS NOT x.description",
		"film without a text":              "SELECT count(*) FROM film WHERE film_id NOT IN (SELECT film_id FROM film_text)",
		"active is neither yes nor no":     "SELECT count(*) FROM customer WHERE active NOT IN ('Y', 'N')",
		"longer than its column":           "SELECT (SELECT count(*) FROM staff WHERE length(username) > 16) + (SELECT count(*) FROM address WHERE length(district) > 20)",
		"customer's country is not theirs": "SELECT count(*) FROM customer JOIN address USING (address_id) JOIN city USING (city_id) JOIN country USING (country_id) WHERE country = 'Sweden' AND email NOT LIKE '%@brevlada.test'",
	})
}

func TestReservedRanges(t *testing.T) {
	email := regexp.MustCompile(`^[a-z0-9.]+(\+[a-z2-9]{12})?@(example\.(com|net|org)|[a-z]+\.test)$`)
	phone := regexp.MustCompile(`555-01\d\d$|^020 7946 0\d{3}$|^0\d{3} 496 0\d{3}$|^029 2018 0\d{3}$|^020 91\d 0\d{3}$|^\(0[2378]\) 5550 \d{4}$|` +
		`^\+49 (30 23125|40 66969|89 99998|221 4710|69 90009) ?\d{3}$|^\+33 (1 99 00|4 65 71|5 36 49|2 61 91|3 53 01) \d\d \d\d$|` +
		`^\+46 (8 465 004|31 390 06|40 628 04) \d\d$`)
	for name, queries := range map[string]map[string]*regexp.Regexp{
		"shop":    {"SELECT email FROM customers": email, "SELECT phone FROM customers WHERE phone IS NOT NULL": phone},
		"chinook": {"SELECT Email FROM Customer": email, "SELECT Phone FROM Customer WHERE Phone IS NOT NULL": phone},
		"sakila":  {"SELECT email FROM customer WHERE email IS NOT NULL": email, "SELECT phone FROM address": phone},
	} {
		db, _ := generate(t, load(t, name), recipe(3000))
		for q, re := range queries {
			rows, err := db.QueryContext(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var v string
				if err := rows.Scan(&v); err != nil {
					t.Fatal(err)
				}
				if !re.MatchString(v) {
					t.Fatalf("%s: %s gives %q, which someone may own", name, q, v)
				}
			}
		}
	}
}

// TestWorld holds what the e-mail addresses rely on.
func TestWorld(t *testing.T) {
	w := newWorld()
	domains := map[string]bool{}
	for _, c := range w.countries {
		if domains[c.domain] || c.name == "" || len(c.code) != 2 || len(c.cities) == 0 || len(c.streets) == 0 {
			t.Errorf("%s: incomplete, or its domain is taken: %q", c.name, c.domain)
		}
		domains[c.domain] = true
		for _, list := range [][]name{slices.Concat(c.women, c.men), c.last} {
			inList := map[string]bool{}
			for _, n := range list {
				if inList[n.folded] || !regexp.MustCompile(`^[a-z]+$`).MatchString(n.folded) {
					t.Errorf("%s: name %q twice, or not in Latin letters: %q", c.name, n.own, n.folded)
				}
				inList[n.folded] = true
			}
		}
		for _, city := range c.cities {
			s := newKey(1, city.city).at(1)
			if strings.ContainsAny(phoneNumber(&s, city)+fill(&s, city.postcode), "#%@") {
				t.Errorf("%s: pattern left in a number", city.city)
			}
		}
	}
}

func TestBuiltinsAreCoherent(t *testing.T) {
	for schema, queries := range map[string]map[string]string{
		"bank": {
			"card of somebody else":                "SELECT count(*) FROM cards JOIN accounts a ON a.id = account_id JOIN customers c ON c.id = customer_id WHERE cardholder NOT LIKE '%' || last_name || '%' OR cardholder NOT LIKE '%' || first_name || '%'",
			"card expired when it was issued":      "SELECT count(*) FROM cards WHERE expires_on < date(issued_at, '+700 days')",
			"balance is not the sum":               "SELECT count(*) FROM accounts a WHERE balance_cents <> coalesce((SELECT sum(amount_cents) FROM account_transactions WHERE account_id = a.id), 0)",
			"running balance is wrong":             "SELECT count(*) FROM (SELECT balance_after_cents - sum(amount_cents) OVER (PARTITION BY account_id ORDER BY seq) AS off FROM account_transactions) WHERE off <> 0",
			"booked out of order":                  "SELECT count(*) FROM account_transactions a JOIN account_transactions b ON b.account_id = a.account_id AND b.seq = a.seq + 1 WHERE b.booked_at < a.booked_at",
			"booked before the account was opened": "SELECT count(*) FROM account_transactions t JOIN accounts a ON a.id = account_id WHERE booked_at < opened_at",
			"money goes the wrong way":             "SELECT count(*) FROM account_transactions WHERE (type IN ('salary', 'deposit', 'transfer_in', 'interest')) <> (amount_cents > 0)",
			"age and birth date disagree":          "SELECT count(*) FROM customers WHERE age <> 2026 - substr(birth_date, 1, 4) - (substr(birth_date, 6) > '11-23')",
			"account opened before its customer":   "SELECT count(*) FROM accounts a JOIN customers c ON c.id = customer_id WHERE opened_at < created_at",
		},
		"clinic": {
			"total is not the sum":               "SELECT count(*) FROM invoices i WHERE total_cents IS NOT (SELECT sum(quantity * unit_price_cents) FROM invoice_items WHERE invoice_id = i.id)",
			"age and birth date disagree":        "SELECT count(*) FROM patients WHERE age <> 2026 - substr(birth_date, 1, 4) - (substr(birth_date, 6) > '11-23')",
			"prescribed before it was asked for": "SELECT count(*) FROM prescriptions p JOIN appointments a ON a.id = appointment_id WHERE prescribed_at < requested_at",
			"seen before being registered":       "SELECT count(*) FROM appointments a JOIN patients p ON p.id = patient_id WHERE requested_at < registered_at",
			"no children":                        "SELECT count(*) = 0 FROM patients WHERE age < 16",
			"children as tall as men":            "SELECT count(*) FROM patients WHERE age < 6 AND (height_cm > 130 OR weight_kg > 30)",
			"one thing at several prices":        "SELECT count(*) FROM (SELECT description FROM invoice_items GROUP BY 1 HAVING count(DISTINCT unit_price_cents) > 1)",
		},
		"helpdesk": {
			"message before its ticket":  "SELECT count(*) FROM ticket_messages m JOIN tickets t ON t.id = ticket_id WHERE sent_at < created_at",
			"messages out of order":      "SELECT count(*) FROM ticket_messages a JOIN ticket_messages b ON b.ticket_id = a.ticket_id AND b.seq = a.seq + 1 WHERE b.sent_at < a.sent_at",
			"solved without saying when": "SELECT count(*) FROM tickets WHERE (status IN ('solved', 'closed')) <> (solved_at IS NOT NULL)",
		},
		"hr": {
			"age and birth date disagree": "SELECT count(*) FROM people WHERE age <> 2026 - substr(birth_date, 1, 4) - (substr(birth_date, 6) > '11-23')",
			"too old to work":             "SELECT count(*) FROM people WHERE age > 68",
			"hired as a child":            "SELECT count(*) FROM people WHERE date(birth_date, '+16 years') > hired_on",
			"most have left":              "SELECT avg(left_on IS NOT NULL) > 0.2 FROM people",
			"asked for leave too early":   "SELECT count(*) FROM leave_requests JOIN people p ON p.id = person_id WHERE requested_on < hired_on",
		},
		"saas": {
			"free costs something":           "SELECT (SELECT price_cents FROM plans WHERE name = 'free') <> 0",
			"bigger plan, smaller price":     "SELECT count(*) FROM plans a JOIN plans b ON a.seats < b.seats AND a.price_cents > b.price_cents",
			"cancelled without saying when":  "SELECT count(*) FROM subscriptions WHERE (status = 'cancelled') <> (cancelled_at IS NOT NULL)",
			"total is not the sum":           "SELECT count(*) FROM invoices i WHERE total_cents IS NOT (SELECT sum(quantity * unit_price_cents) FROM invoice_lines WHERE invoice_id = i.id)",
			"subscribed before it was there": "SELECT count(*) FROM subscriptions s JOIN workspaces w ON w.id = workspace_id WHERE started_at < w.created_at",
			"slug is not the company's":      "SELECT count(*) FROM workspaces WHERE company NOT GLOB '*[^A-Za-z &]*' AND slug NOT LIKE replace(lower(substr(company, 1, 3)), ' ', '-') || '%'",
		},
	} {
		t.Run(schema, func(t *testing.T) {
			db, _ := generate(t, load(t, schema), recipe(4000))
			none(t, db, queries)
		})
	}
}

// TestCardNumbers: they pass for real ones, and are among those that are
// published for tests.
func TestCardNumbers(t *testing.T) {
	cards := planned(t, load(t, "bank"), 4000, "cards")
	seen := map[string]bool{}
	for _, v := range values(t, cards, "card_number") {
		number, sum := v.(string), 0
		for i := range number {
			digit := int(number[len(number)-1-i] - '0')
			if i%2 == 1 {
				digit = digit*2/10 + digit*2%10
			}
			sum += digit
		}
		if sum%10 != 0 {
			t.Errorf("%s fails Luhn's check", number)
		}
		seen[number] = true
	}
	if len(seen) < 20 || len(seen) > 50 {
		t.Errorf("%d different numbers", len(seen))
	}
}
