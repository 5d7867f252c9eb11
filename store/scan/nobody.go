package scan

import (
	"strings"
	"sync"
)

// testCards are the numbers that payment services publish for tests.
var testCards = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for n := range strings.FieldsSeq(`4242424242424242 4111111111111111 4012888888881881 4000056655665556 5555555555554444 5105105105105100 5200828282828210
		2223003122003222 378282246310005 371449635398431 6011111111111117 6011000990139424 30569309025904 3056930009020004 36227206271667 3530111333300000
		3566002020360505 6200000000000005 4000000760000002 4000001240000000 4000004840008001 4000000560000004 4000000400000008 4000002080000001
		4000002460000001 4000002500000003 4000002760000016 4000003800000008 4000005280000002 4000005780000007 4000006160000005 4000007240000007
		4000007520000008 4000007560000009 4000008260000000 4000000360000006 4000003560000008 4000003920000003 4000001560000002 4222222222222`) {
		all[n] = true
	}
	return all
})

// dramas are the beginnings of telephone numbers that are kept for films and
// books: of North America 555, of Great Britain (Ofcom), Ireland (ComReg), Germany
// (Bundesnetzagentur), France (Arcep), Sweden (PTS), the Netherlands and
// Australia (ACMA). A country, and what comes after its 0.
var dramas = strings.Fields(`
	44 2079460 44 1134960 44 1144960 44 1154960 44 1164960 44 1174960 44 1184960 44 1214960 44 1314960 44 1414960 44 1514960 44 1614960
	44 1914980 44 2896496 44 2920180 44 1632960 44 7700900 44 8081570 44 9098790 44 3069990 353 2091
	49 3023125 49 6990009 49 4066969 49 2214710 49 8999998
	33 19900 33 26191 33 35301 33 46571 33 53649 33 63998 46 8465004 46 3139006 46 4062804 46 980319 46 701740 31 209150
	61 25550 61 27010 61 35550 61 37010 61 75550 61 77010 61 85550 61 87010 61 491570`)

// fictional says of a telephone number, as it is written, whether nobody has it.
func fictional(text string) bool {
	d := bare(text)
	if i := strings.LastIndex(d, "555"); i >= 0 && (len(d) <= 11 || strings.HasPrefix(d[i:], "55501")) {
		return true
	}
	abroad := strings.HasPrefix(text, "+")
	if strings.HasPrefix(d, "00") {
		abroad, d = true, d[2:]
	}
	for i := 0; i < len(dramas); i += 2 {
		country, begins := dramas[i], dramas[i+1]
		if rest, ok := strings.CutPrefix(d, country); abroad && ok && strings.HasPrefix(strings.TrimPrefix(rest, "0"), begins) || !abroad && strings.HasPrefix(d, "0"+begins) {
			return true
		}
	}
	return false
}
