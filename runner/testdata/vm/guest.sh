# Runs in the guest as an ordinary user; see test beside this file.
set -euo pipefail
cd /mnt/share
base=localhost/base:test
podman --storage-driver overlay import -q base.tar "$base"
mkdir -p ~/.config/glovebox
printf '[box]\nimage = "%s"\n' "$base" >~/.config/glovebox/config.toml
./glovebox doctor || true
./glovebox demo
GLOVEBOX_TEST_IMAGE=$base GLOVEBOX_TEST_INIT=$PWD/glovebox-init ./runner.test -test.v -test.short -test.run 'TestBox|TestNothing|TestExec|TestKill|TestFiles|TestLimits|TestSeal|TestPool'
