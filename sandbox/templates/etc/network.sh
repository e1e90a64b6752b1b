#!/bin/sh
# Joins the sandbox's network to the machine by one link, then hands over to
# the supervisor.
set -eu
# `ip -n` mounts its own /sys in place of this one, which must be the only one.
umount -l /sys
mount -t sysfs sysfs /sys
ip link set lo up
ip link add br-ext type bridge
ip link set br-ext up
ip link add ext0 type veth peer name $bridge netns host
ip link set ext0 master br-ext up
ip -n host addr add $gateway/24 dev $bridge
ip -n host link set $bridge up
sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
exec $venv/bin/python $venv/bin/supervisord --nodaemon --configuration $etc/supervisord.conf
