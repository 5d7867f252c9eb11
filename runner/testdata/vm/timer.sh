# Runs in the guest as an ordinary user with a systemd of its own, like guest.sh
# beside this file: the timer of `glovebox verify` is installed, runs once, and
# is taken away again.
set -euxo pipefail
cd /mnt/share
export SYSTEMD_PAGER= NO_COLOR=1
podman --storage-driver overlay import -q base.tar docker.io/library/python:3-slim
mkdir -p ~/project && cd ~/project
printf '[network]\nproduction = ["db.production.example.com"]\n' >glovebox.toml # counts, for it is where the timer is installed
g=/mnt/share/glovebox
"$g" image prepare
"$g" verify --install-timer --every 12h
systemctl --user list-timers --all glovebox-verify.timer | tee timers
grep -q glovebox-verify.service timers
systemctl --user cat glovebox-verify.service glovebox-verify.timer
"$g" verify --install-timer # again, with another interval
systemctl --user cat glovebox-verify.timer | grep OnUnitActiveSec=21600s
systemctl --user start glovebox-verify.service || said=$? # a oneshot: returns when it is done
journalctl --user -u glovebox-verify.service --no-pager | tail -n 100 || true
systemctl --user show glovebox-verify.service -p Result -p ExecMainStatus
[[ -z ${said:-} ]]
"$g" verify --history | tee history
grep -q ' none ' history
"$g" verify --history --json | jq -e '.failed == null and (.inconclusive // [] | index("production-hosts") == null)'
"$g" box run -- true 2>&1 | tee again # it needs no further battery
if grep -q verifying again; then exit 1; fi
# A crash, where the host's core_pattern is a program.
printf '#!/bin/sh\ncat >/dev/null\necho "ran for $1" >>/tmp/crashes\n' | sudo tee /usr/local/bin/on-crash && sudo chmod 755 /usr/local/bin/on-crash
sudo sh -c 'echo "|/usr/local/bin/on-crash %P" >/proc/sys/kernel/core_pattern'
"$g" box run -- sh -c 'kill -SEGV $$' || true
until cat /tmp/crashes; do read -rt 1 <> <(:) || tries=$((${tries:-0} + 1)); [[ $tries -lt 20 ]] || break; done 
"$g" verify | grep -E 'INCONCLUSIVE.*core-pattern.*on-crash'
"$g" verify --uninstall-timer
"$g" verify --uninstall-timer # nothing is left to take away
if systemctl --user list-timers --all | grep glovebox; then exit 1; fi
ls ~/.config/systemd/user
