package runner

// Rigor trades speed for isolation. These are all the settings it moves; what
// a box proves of itself before its first command is the same under each.
type Rigor struct {
	Name      string
	Pool      bool // boxes may be made and sealed before they are asked for
	Limits    bool // a limit that nothing enforces is no seal
	OwnKernel bool // each box has a kernel of its own, by a stronger runtime, and proves it
}

var rigors = [...]Rigor{
	{Name: "quick", Pool: true},
	{Name: "standard", Pool: true, Limits: true},
	{Name: "strict", Limits: true, OwnKernel: true},
}

// Rigors are their names, the weakest first.
func Rigors() []string {
	var names []string
	for _, r := range rigors {
		names = append(names, r.Name)
	}
	return names
}

// RigorNamed returns the settings of quick, standard or strict; of any other
// name, strict's.
func RigorNamed(name string) Rigor {
	for _, r := range rigors {
		if r.Name == name {
			return r
		}
	}
	return rigors[len(rigors)-1]
}
