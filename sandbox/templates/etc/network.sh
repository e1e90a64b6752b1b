#!/bin/sh
# Joins the sandbox's networks to the machine, then hands over to the supervisor.
set -eu
# `ip -n` mounts its own /sys in place of this one, which must be the only one.
umount -l /sys
mount -t sysfs sysfs /sys
ip link set lo up
sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
# A bridge for each network, with what there is of: a link to the machine, the
# machine's address on it, an address of the site's own router.
while read -r wire link address inside; do
  ip link add "br-$$wire" type bridge
  # Nothing in here is to be met over IPv6; bridges pass it on all the same.
  [ ! -d /proc/sys/net/ipv6 ] || sysctl -q -w "net.ipv6.conf.br-$$wire.disable_ipv6=1"
  ip link set "br-$$wire" up
  [ "$$inside" = - ] || ip addr add "$$inside" dev "br-$$wire"
  [ "$$link" != - ] || continue
  ip link add "$${wire}0" type veth peer name "$$link" netns host
  ip link set "$${wire}0" master "br-$$wire" up
  [ "$$address" = - ] || ip -n host addr add "$$address" dev "$$link"
  ip -n host link set "$$link" up
done <<WIRES
$wires
WIRES
# Private networks get out behind the site's router, and nobody gets in that way: a
# service of the sandbox that listens on all addresses is still met by itself alone.
ip route add default via $way_out
for range in $private_ranges; do
  iptables -w -t nat -A POSTROUTING -s "$$range" -o br-ext -j MASQUERADE
done
iptables -w -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -w -A INPUT ! -i lo -p icmp -j ACCEPT
iptables -w -A INPUT ! -i lo -j DROP
exec $venv/bin/python $venv/bin/supervisord --nodaemon --configuration $etc/supervisord.conf
