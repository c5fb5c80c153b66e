"""IANA's special-purpose address registries: each block, and whether the internet routes to it.

https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry. Blocks that hold IPv4
addresses, and those of which the registry says "N/A", are tested by what they hold. 192.0.0.0/24 and 2001::/23 have
members that are routed (PCP and TURN anycast, AS112, ORCHIDv2); nobody receives alerts there.
"""

from ipaddress import ip_network

NOT_ROUTED = tuple(
    map(
        ip_network,
        """
        0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
        192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
        240.0.0.0/4 255.255.255.255/32 224.0.0.0/4
        ::/128 ::1/128 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001:2::/48 2001:10::/28 2001:db8::/32 3fff::/20
        5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
        """.split(),
    )
)
ROUTED = tuple(
    map(
        ip_network,
        """
        1.1.1.0/24 8.8.8.0/24 192.31.196.0/24 192.52.193.0/24 192.175.48.0/24
        2001:4860::/32 2606:4700::/32 2a00::/12 2620:4f:8000::/48
        """.split(),
    )
)
