#!/bin/sh
# First process of the sandbox's own namespaces: whatever the services make
# here (bridges, taps, firewall rules, mounts, processes) ends with it.
set -eu
cd /
# Our own /run keeps the machine's libvirt, D-Bus and network namespaces out of
# reach; /run/netns/host is the one door left, for the link and the relay. Pid
# files live there too: pids start from 1 at each start and an old file would lie.
mount -t tmpfs -o mode=1777 tmpfs /run
mkdir -p /run/netns /run/lock /run/libvirt /run/sshd
touch /run/netns/host
mount --bind /proc/self/ns/net /run/netns/host
mount -t proc proc /proc
hostname sandbox
# All of /etc, as this machine would undo a mount over one file by replacing the file.
cp -a /etc /run/etc
mount --bind /run/etc /etc
cp --remove-destination $etc/hosts /etc/hosts
# Users that only a fuller installation would have made, and the one of the jump host.
for file in passwd group; do
  for user in libvirt-qemu:$qemu_uid sshd:$sshd_uid jump:$jump_uid; do
    name=$${user%:*} id=$${user#*:}
    grep -q "^$$name:" /etc/$$file || case $$file in
      passwd) echo "$$name:*:$$id:$$id::/run/sshd:/usr/sbin/nologin" ;;
      group) echo "$$name:x:$$id:" ;;
    esac >>/etc/$$file
  done
done
mount --bind $state/libvirt/etc /etc/libvirt
mount --bind $state/libvirt/lib /var/lib/libvirt
mount --bind $state/libvirt/log /var/log/libvirt
mount --bind $state/libvirt/cache /var/cache/libvirt
# Cinder and Nova mount shares, with a mount.nfs that this machine need not have.
mount -t overlay -o "lowerdir=$state/inside/sbin:/usr/sbin" overlay /usr/sbin
if [ -c /dev/kvm ]; then
  # libvirt asks QEMU anew at each call (4 s) unless QEMU's user may open KVM.
  mkdir /run/device
  mount -t tmpfs -o mode=755 tmpfs /run/device
  mknod -m 600 /run/device/kvm c 10 232
  chown $qemu_uid:$qemu_uid /run/device/kvm
  mount --bind /run/device/kvm /dev/kvm
fi
for link in $links; do
  ip link delete "$$link" 2>/dev/null || true
done
exec unshare --net /bin/sh $etc/network.sh
