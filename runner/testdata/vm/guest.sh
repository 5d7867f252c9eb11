# Runs in the guest as an ordinary user who may use sudo; see test beside this
# file. What it says also goes to the guest's console, for whoever waits.
set -euo pipefail
cd /mnt/share
export GLOVEBOX_TEST_BIN=$PWD # there is no Go here

# limits STATE requires that doctor finds the limits so.
limits() { ./glovebox doctor --json | jq -es --arg want "$1" 'any(.[]; .check == "limits" and .state == $want)'; }

# What counts on time is left out: nothing can be timed under emulation.
tests() { GLOVEBOX_ALONE=1 GLOVEBOX_TEST_CGROUP=$1 ./runner.test -test.v -test.short -test.timeout 40m -test.skip TestNeighbour -test.run "$2"; }

# All but conduct are stages, each run in a scope of the user's session.
case ${1:-conduct} in
delegated) # as Debian's systemd does
	./glovebox doctor
	limits ok
	./glovebox verify --attack
	./glovebox run --model script:demo 'what is odd here?'
	tests 'memory pids cpu' "${RUN:-.}"
	;;
withheld) # as older ones do
	./glovebox doctor
	limits warn
	./glovebox doctor --json | jq -r 'select(.check == "limits").fix' >fix
	tests 'memory pids' 'TestLimitsAreShown|TestCPUShare'
	;;
mended)
	./glovebox doctor
	limits ok
	tests 'memory pids cpu' TestLimitsAreShown
	;;
conduct)
	stage() { systemd-run --user --scope -q bash guest.sh "$1" 2>&1 | sudo tee /dev/ttyS0; }
	renew() { # the user's systemd, as logging in again would
		sudo systemctl daemon-reload
		sudo systemctl restart user@1000.service
		until [[ -S $XDG_RUNTIME_DIR/bus ]]; do sleep 1; done
	}
	echo "127.0.0.1 $(hostname)" | sudo tee -a /etc/hosts # what sudo looks up
	# Out of the session that is about to be renewed.
	sudo sh -c "echo $$ >/sys/fs/cgroup/system.slice/guest.service/cgroup.procs"
	# A host has a network of its own; this is as much of one as a guest without any can have.
	sudo ip link add glovebox0 type veth peer name glovebox1
	sudo ip addr add 192.0.2.1/30 dev glovebox0
	sudo ip link set glovebox0 up
	# Where nothing can be built, the image "auto" is this one, pulled.
	podman --storage-driver overlay import -q base.tar docker.io/library/python:3-slim
	stage delegated
	sudo mkdir -p /etc/systemd/system/user@.service.d
	printf '[Service]\nDelegate=\nDelegate=memory pids\n' | sudo tee /etc/systemd/system/user@.service.d/00-withheld.conf
	renew
	stage withheld
	sudo sh -c "$(sed 's/, as root.*//' fix)"
	renew
	stage mended
	;;
esac
