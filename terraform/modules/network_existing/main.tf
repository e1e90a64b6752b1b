# The shape that makes nothing: the nodes' ports go onto a network that is there already, be it
# behind a router of the project, a provider's network, or one that a jump host leads to.
