#!/bin/sh
# A real systemd, as the manager of a user, on a bus of its own: for tests that start, stop and enable units and touch nothing of the machine.
# Called as: unshare -m --propagation private sh real-systemd.sh run DIR. The bus is then at DIR/run/bus, the units that tests write in
# DIR/units, and what is enabled in DIR/home. As `end PID`, likewise, it ends what was run as PID, with all that this has started.
set -eu

groups() {
  umount -R /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 none /sys/fs/cgroup
}

if [ "$1" = end ]; then
  groups
  group=/sys/fs/cgroup/op-dbus-test-$2
  [ -d "$group" ] || exit 0
  echo 1 > "$group/cgroup.kill"
  # Nothing tells a shell when the last process has gone.
  while grep -q 'populated 1' "$group/cgroup.events"; do sleep 0.01; done
  find "$group" -depth -type d -exec rmdir {} \;
  exit 0
fi

D=$2
mkdir -p "$D/run" "$D/units" "$D/home/.config/systemd/user"
chmod 700 "$D/run"

# systemd runs only where a system was booted with it, which /run tells; the machine's own /run stays out of sight.
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
groups
group=/sys/fs/cgroup/op-dbus-test-$$
mkdir "$group"
echo $$ > "$group/cgroup.procs"

# The least that a manager needs, and the bus.
unit() { printf '%b' "$2" > "$D/units/$1"; }
unit default.target '[Unit]\nRequires=dbus.socket\nAfter=dbus.socket\n'
unit basic.target '[Unit]\n'
unit sockets.target '[Unit]\n'
unit shutdown.target '[Unit]\nDefaultDependencies=no\n'
unit dbus.socket '[Socket]\nListenStream=%t/bus\n'
unit dbus.service "[Unit]\nRequires=dbus.socket\n[Service]\nType=notify\nExecStart=/usr/bin/dbus-daemon --config-file=$D/bus.conf --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n"
cat > "$D/bus.conf" <<CONF
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
CONF

unset DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS
export HOME="$D/home" XDG_RUNTIME_DIR="$D/run"
# What is enabled lies in HOME and must come first: systemd says "disabled" of it else.
export SYSTEMD_UNIT_PATH="$D/home/.config/systemd/user:$D/units"
exec /lib/systemd/systemd --user --log-level=warning --log-target=console
