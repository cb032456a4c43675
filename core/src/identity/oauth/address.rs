//! May the gateway connect there to fetch a client's document?
//!
//! Only to public unicast addresses: whoever names a document chooses where the gateway connects, and must not reach what only
//! the gateway can (peers.md §5 no. 25). The edge asks this for the very address that it then connects to, not for a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to the public internet, by the special-purpose registries of IANA (RFC 6890, RFC 8190).
/// IPv6 addresses that carry an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo) are refused whatever they carry.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        // "This network", private, loopback.
        0 | 10 | 127 => true,
        // Shared address space of carriers (RFC 6598).
        100 => b & 0xc0 == 64,
        // Link-local, the metadata services of clouds among it.
        169 => b == 254,
        172 => b & 0xf0 == 16,
        // Private; protocol assignments, documentation, AS112, the old 6to4 relays, AMT.
        192 => {
            b == 168
                || (b == 0 && matches!(c, 0 | 2))
                || (b, c) == (88, 99)
                || (b, c) == (31, 196)
                || (b, c) == (52, 193)
                || (b, c) == (175, 48)
        }
        // Benchmarking (RFC 2544), documentation.
        198 => b & 0xfe == 18 || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        // Multicast, reserved, broadcast.
        224..=255 => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, ..] = address.segments();
    // Only 2000::/3 is given out as global unicast. All else (unspecified, loopback, mapped, compatible, NAT64, discard-only,
    // unique-local, link-local, site-local, multicast) lies outside.
    let is_global = first & 0xe000 == 0x2000;
    let special = match first {
        // IETF protocol assignments 2001::/23 with Teredo, benchmarking, ORCHID, and the documentation addresses.
        0x2001 => second < 0x0200 || second == 0x0db8,
        // 6to4.
        0x2002 => true,
        // Direct delegation of AS112.
        0x2620 => (second, third) == (0x004f, 0x8000),
        // The former 6bone, and documentation (RFC 9637).
        0x3ffe => true,
        0x3fff => second < 0x1000,
        _ => false,
    };
    is_global && !special
}
