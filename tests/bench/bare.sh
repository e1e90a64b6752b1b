#!/usr/bin/env bash
# What a person would script without the orchestrator, on the files it rendered: bare.sh WORK ROLES PLAYBOOK
# OS_TOKEN and TF_CLI_CONFIG_FILE are in the environment.
set -eu
work=$1 roles=$2 playbook=$3
cd "$work"
export OS_ALLOW_REAUTH=false TF_IN_AUTOMATION=1
terraform init -input=false -lockfile=readonly >/dev/null
terraform apply -input=false -auto-approve >/dev/null
address=$(terraform output -json nodes | python3 -c 'import json,sys; print(next(iter(json.load(sys.stdin).values()))["address"])')
options="-F /dev/null -i ssh/id_ed25519 -o UserKnownHostsFile=$work/ssh/known_hosts -o StrictHostKeyChecking=accept-new -o ConnectTimeout=5 -o LogLevel=ERROR"
# shellcheck disable=SC2086  # options are words
until ssh -n $options "egi@$address" cloud-init status --wait >/dev/null 2>&1; do sleep 2; done
printf '[docker]\n%s ansible_user=egi ansible_python_interpreter=/usr/bin/python3\n' "$address" >hosts
ANSIBLE_ROLES_PATH=$roles ANSIBLE_PIPELINING=1 ANSIBLE_SSH_ARGS="$options -o ControlMaster=auto -o ControlPersist=60s" \
  ansible-playbook -i hosts -e docker_source=distribution "$playbook" >ansible.log
