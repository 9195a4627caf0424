// The units that the tests of the systemd plugin start, enable and mask: one for each way in which that goes.
export const sleeper = '[Service]\nExecStart=/bin/sleep 1000\n'
const wanted = '[Install]\nWantedBy=default.target\n'
export const UNITS = {
  'plain.service': sleeper + wanted,
  'other.service': sleeper + wanted,
  'named.service': `${sleeper}${wanted}Alias=nickname.service\n`,
  'static.service': sleeper,
  'shy.service': sleeper + wanted,
  'worker@.service': sleeper + wanted,
  'failing.service': '[Service]\nType=oneshot\nExecStart=/bin/false\n',
  'dying.service': '[Service]\nExecStart=/bin/sh -c "sleep 0.05; exit 7"\n',
  'looping.service':
    '[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c "sleep 0.05; exit 1"\nRestart=always\nRestartSec=50ms\n',
  'once.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
  ...Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`many${i}.service`, `${sleeper}${wanted}Alias=also-many${i}.service\n`]),
  ),
  'unmet.service': '[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=/bin/sleep 1000\n',
  'slow.service': '[Service]\nType=notify\nTimeoutStartSec=100\nExecStart=/bin/sleep 1000\n',
  'tick.timer': '[Timer]\nOnCalendar=2099-01-01\nUnit=once.service\n[Install]\nWantedBy=default.target\n',
}
