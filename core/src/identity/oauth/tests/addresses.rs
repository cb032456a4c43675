//! Where the gateway may connect to fetch a document.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const REFUSED: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:169.254.169.254",
    "::ffff:0:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "2620:4f:8000::1",
    "3ffe::1",
    "3fff::1",
    "3fff:fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
];

#[test]
fn attack_25_only_public_unicast_addresses_are_connected_to() {
    for text in REFUSED {
        assert!(!is_public(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn public_addresses_are_connected_to() {
    let public = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2001:db7::1",
        "2003::1",
        "2606:4700::1111",
        "2a00:1450::1",
        "3fff:1000::1",
        "2620:4f:8001::1",
    ];
    for text in public {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
}

proptest! {
    #[test]
    fn attack_25_no_address_is_reached_in_the_clothes_of_another_family(v4 in any::<u32>()) {
        let v4 = Ipv4Addr::from(v4);
        let mapped = [v4.to_ipv6_mapped(), Ipv6Addr::from(u128::from(u32::from(v4))), nat64(v4), six_to_four(v4)];
        for address in mapped {
            prop_assert!(!is_public(IpAddr::V6(address)), "{}", address);
        }
    }

    #[test]
    fn what_the_standard_library_knows_as_special_is_special_here_too(v4 in any::<u32>(), v6 in any::<u128>()) {
        let v4 = Ipv4Addr::from(v4);
        if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.is_documentation() {
            prop_assert!(!is_public(v4.into()));
        }
        let v6 = Ipv6Addr::from(v6);
        if v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast() || v6.is_loopback() || v6.is_unspecified() {
            prop_assert!(!is_public(v6.into()));
        }
    }
}

fn nat64(v4: Ipv4Addr) -> Ipv6Addr {
    Ipv6Addr::from((0x0064_ff9b_u128 << 96) | u128::from(u32::from(v4)))
}

fn six_to_four(v4: Ipv4Addr) -> Ipv6Addr {
    Ipv6Addr::from((0x2002_u128 << 112) | (u128::from(u32::from(v4)) << 80))
}

#[test]
fn attack_25_an_id_is_an_address_in_its_one_spelling_or_none() {
    use ClientUrlFault::{Extra, NoPath, NotHttps, NotNormal};
    for good in
        ["https://app.example/client.json", "https://app.example:8443/a/b?v=1", "https://[2001:4860::1]/c", "https://8.8.8.8/c"]
    {
        assert_eq!(ClientUrl::read(good).unwrap().as_str(), good);
    }
    let long = format!("https://a/{}", "x".repeat(1_024));
    let table = [
        ("http://app.example/c", NotHttps),
        ("HTTPS://app.example/c", NotHttps),
        ("ftp://app.example/c", NotHttps),
        ("https:///c", NotNormal),
        ("https://", NotHttps),
        (long.as_str(), NotHttps),
        ("https://app.example", NoPath),
        ("https://app.example/", NoPath),
        ("https://app.example/?x", NoPath),
        ("https://app.example/c#f", Extra),
        ("https://app.example/c#", Extra),
        ("https://u@app.example/c", Extra),
        ("https://u:p@app.example/c", Extra),
        ("https://app.example/a/../c", NotNormal),
        ("https://app.example/./c", NotNormal),
        ("https://app.example/%2e%2e/c", NotNormal),
        ("https://app.example/a/%2E", NotNormal),
        ("https://APP.example/c", NotNormal),
        ("https://app.example:443/c", NotNormal),
        ("https://2130706433/c", NotNormal),
        ("https://0x7f.1/c", NotNormal),
        ("https://127.1/c", NotNormal),
        ("https://app.example/c\n", NotNormal),
        ("https://app.example\\c", NotNormal),
        ("https://ap\tp.example/c", NotNormal),
        ("https://äpp.example/c", NotNormal),
    ];
    for (text, fault) in table {
        assert_eq!(ClientUrl::read(text), Err(fault), "{text:?}");
    }
    assert!(ClientUrl::is_wanted("https://a/b") && !ClientUrl::is_wanted("client-42"));
    assert_eq!(ClientUrl::read("https://127.0.0.1/c").unwrap().host(), "127.0.0.1", "the guard refuses it");
}

#[test]
fn documents_are_kept_as_long_as_they_say_within_bounds() {
    let table = [
        (None, 3_600),
        (Some("max-age=600"), 600),
        (Some("public, Max-Age=\"120\""), 120),
        (Some("max-age=0"), MIN_DOCUMENT_CACHE_SECS),
        (Some("no-store, max-age=900"), MIN_DOCUMENT_CACHE_SECS),
        (Some("max-age=99999999999"), MAX_DOCUMENT_CACHE_SECS),
        (Some("max-age=-5"), 3_600),
        (Some("nonsense"), 3_600),
    ];
    for (header, secs) in table {
        assert_eq!(cache_secs(header), secs, "{header:?}");
    }
}
