"""The egress gate, held against IANA's registries through every way to write IPv4 into IPv6."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.alerting.notifiers.egress_policy import EgressPolicy
from controlsurface.errors import Refused
from tests.alerting.notifiers.address_registries import NOT_ROUTED, ROUTED

Network = IPv4Network | IPv6Network
GATE = EgressPolicy()
PUBLIC = 0x0808_0808


def at(prefix: str, shift: int = 0) -> Callable[[int], str]:
    return lambda inner: str(IPv6Address(int(IPv6Address(prefix)) | inner << shift))


WRAPPERS = {
    "v4-mapped": at("::ffff:0:0"),
    "v4-compatible": at("::"),
    "SIIT": at("::ffff:0:0:0"),
    "NAT64": at("64:ff9b::"),
    "6to4": at("2002::1", 80),
    "Teredo client": lambda inner: at(f"2001:0:{0x0808:x}:{0x0808:x}::")(inner ^ 0xFFFF_FFFF),
    "Teredo server": at("2001::", 64),
    "ISATAP": at("2606:4700::5efe:0:0"),
    "ISATAP, unique": at("2606:4700::200:5efe:0:0"),
}
SHOWS = {name: wrap for name, wrap in WRAPPERS.items() if not name.startswith("Teredo")}


def members(network: Network) -> st.SearchStrategy[int]:
    first, last = int(network.network_address), int(network.broadcast_address)
    return st.integers(first, last) | st.sampled_from([first, last])


@pytest.mark.parametrize("network", NOT_ROUTED, ids=str)
@given(data=st.data())
def test_the_egress_policy_refuses_addresses_iana_keeps_off_the_internet(network: Network, data: st.DataObject) -> None:
    number = data.draw(members(network))
    assert not GATE.admits(str(type(network.network_address)(number)))


@pytest.mark.parametrize("wrapper", WRAPPERS)
@given(network=st.sampled_from([each for each in NOT_ROUTED if each.version == 4]), data=st.data())
@settings(max_examples=150)
def test_the_egress_policy_refuses_ipv4_wrapped_in_ipv6(wrapper: str, network: Network, data: st.DataObject) -> None:
    assert not GATE.admits(WRAPPERS[wrapper](data.draw(members(network))))


@pytest.mark.parametrize("network", ROUTED, ids=str)
@given(data=st.data())
def test_the_egress_policy_admits_public_addresses_however_written(network: Network, data: st.DataObject) -> None:
    number = data.draw(members(network))
    assert GATE.admits(str(type(network.network_address)(number)))
    if network.version == 4:
        assert all(GATE.admits(wrap(number)) for wrap in SHOWS.values())


@given(st.integers(0, 2**128 - 1))
def test_the_egress_policy_admits_addresses_outside_global_unicast_only_for_a_public_part(number: int) -> None:
    address = IPv6Address(number)
    embeds = any(address in ip_network(each) for each in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
    if address not in ip_network("2000::/3") and not embeds:
        assert not GATE.admits(str(address))


# Each was let through somewhere: GitNexus 1148, fastmcp 4400, adk-python 6347 and 6486, langflow 14174, oryxos 252,
# ssrfcheck 11, nodetool 3772, flyto-core 20.
REPORTED = """
::7f00:1 ::a9fe:a9fe ::127.0.0.1 ::169.254.169.254 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1
64:ff9b::100.64.0.1 64:ff9b:1::7f00:1 64:ff9b:1::169.254.169.254 2002:a9fe:a9fe::1 2002:7f00:1:: 2002:c0a8:101::
::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:0:127.0.0.1 100::1 2001::1 fec0::1 fe80::1%eth0 ff02::1 :: ::1 5f00::1 3fff::1
2001:0:7f00:1::f7f7:f7f7
""".split()


@pytest.mark.parametrize("address", REPORTED)
def test_the_egress_policy_refuses_publicly_reported_bypasses(address: str) -> None:
    assert not GATE.admits(address)
    with pytest.raises(Refused, match="private address"):
        GATE.connect(address, 9, 0.1)


def test_an_allowed_network_is_allowed_in_every_writing_and_no_other() -> None:
    gate = EgressPolicy((ip_network("10.1.0.0/16"), ip_network("64:ff9b:1::/48")))
    inside, outside = int(IPv4Address("10.1.2.3")), int(IPv4Address("10.2.2.3"))
    assert all(gate.admits(wrap(inside)) and not gate.admits(wrap(outside)) for wrap in SHOWS.values())
    assert gate.admits("64:ff9b:1::7f00:1")
    assert not gate.admits("fec0::1")
