#!/bin/sh
# First process of the sandbox's own namespaces: whatever the services make
# here (bridges, taps, firewall rules, mounts, processes) ends with it.
set -eu
cd /
# Our own /run keeps the machine's libvirt, D-Bus and network namespaces out of
# reach; /run/netns/host is the one door left, for the link and the relay. Pid
# files live there too: pids start from 1 at each start and an old file would lie.
mount -t tmpfs -o mode=1777 tmpfs /run
mkdir -p /run/netns /run/lock /run/libvirt
touch /run/netns/host
mount --bind /proc/self/ns/net /run/netns/host
mount -t proc proc /proc
hostname sandbox
mount --bind $etc/hosts /etc/hosts
# libvirt wants its user by name, which only a fuller installation would have made.
for file in passwd group; do
  cp /etc/$$file /run/$$file
  grep -q '^libvirt-qemu:' /run/$$file || case $$file in
    passwd) echo 'libvirt-qemu:x:$qemu_uid:$qemu_uid::/var/lib/libvirt:/usr/sbin/nologin' ;;
    group) echo 'libvirt-qemu:x:$qemu_uid:' ;;
  esac >>/run/$$file
  mount --bind /run/$$file /etc/$$file
done
mount --bind $state/libvirt/etc /etc/libvirt
mount --bind $state/libvirt/lib /var/lib/libvirt
mount --bind $state/libvirt/log /var/log/libvirt
mount --bind $state/libvirt/cache /var/cache/libvirt
if [ -c /dev/kvm ]; then
  # libvirt asks QEMU anew at each call (4 s) unless QEMU's user may open KVM.
  mkdir /run/device
  mount -t tmpfs -o mode=755 tmpfs /run/device
  mknod -m 600 /run/device/kvm c 10 232
  chown $qemu_uid:$qemu_uid /run/device/kvm
  mount --bind /run/device/kvm /dev/kvm
fi
ip link delete $bridge 2>/dev/null || true
exec unshare --net /bin/sh $etc/network.sh
