#!/bin/sh
# Joins the sandbox's networks to the machine, then hands over to the supervisor.
set -eu
# `ip -n` mounts its own /sys in place of this one, which must be the only one.
umount -l /sys
mount -t sysfs sysfs /sys
ip link set lo up
sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
# The site's own router, behind which private networks get out. Here it would not do:
# packets that bridges have passed on are tracked already, and not translated again.
ip netns add site
ip netns exec site sysctl -q -w net.ipv4.ip_forward=1
# A switch for each network: to the interface that Neutron takes into a bridge of its
# own (Nova puts VMs on no other), and with what there is of a link to the machine, the
# machine's address on it, an address of the router and of the jump host.
while read -r wire link address router jump; do
  ip link add "br-$$wire" type bridge
  # Nothing in here is to be met over IPv6; bridges pass it on all the same.
  [ ! -d /proc/sys/net/ipv6 ] || sysctl -q -w "net.ipv6.conf.br-$$wire.disable_ipv6=1"
  ip link set "br-$$wire" up
  ip link add "$$wire-br" type veth peer name "$$wire-nic"
  ip link set "$$wire-br" master "br-$$wire" up
  ip link set "$$wire-nic" up
  if [ "$$router" != - ]; then
    ip link add "$$wire-gw" type veth peer name "$$wire" netns site
    ip link set "$$wire-gw" master "br-$$wire" up
    ip -n site addr add "$$router" dev "$$wire"
    ip -n site link set "$$wire" up
  fi
  [ "$$jump" = - ] || ip addr add "$$jump" dev "br-$$wire"
  [ "$$link" != - ] || continue
  ip link add "$$wire-out" type veth peer name "$$link" netns host
  ip link set "$$wire-out" master "br-$$wire" up
  [ "$$address" = - ] || ip -n host addr add "$$address" dev "$$link"
  ip -n host link set "$$link" up
done <<WIRES
$wires
WIRES
ip -n site route add default via $way_out
ip netns exec site iptables -w -t nat -A POSTROUTING -s 10.0.0.0/8 -o ext -j MASQUERADE
# The jump host's address is no way in: a service that listens on all addresses is
# still met by the sandbox itself alone.
iptables -w -A INPUT ! -i lo -m conntrack --ctstate NEW -j DROP
exec $venv/bin/python $source/supervise.py --nodaemon --configuration $etc/supervisord.conf
