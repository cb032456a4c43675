//! What one frame says. Unknown events and fields are ignored; an event that makes no sense is counted and costs no other.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::channel::symbol_of;
use super::event::{Bar, FeedEvent, Frame, Notice, Span, StatusWord, Told};
use super::field::Field;
use crate::market::Market;

/// Longest text of a status that is kept, in characters: the names of some channels.
const MAX_MESSAGE_CHARS: usize = 200;

/// Reads one frame of a market: a JSON array of events, or one event alone.
#[must_use]
pub fn read_frame(market: Market, bytes: &[u8]) -> Frame {
    let mut frame = Frame::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = FrameSeed { market, frame: &mut frame }.deserialize(&mut json);
    if read.and_then(|()| json.end()).is_err() {
        frame.malformed += 1;
    }
    frame
}

struct FrameSeed<'f> {
    market: Market,
    frame: &'f mut Frame,
}

impl<'de> DeserializeSeed<'de> for FrameSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FrameSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { market, frame } = self;
        while items.next_element_seed(EventSeed { market, frame: &mut *frame })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        EventSeed { market: self.market, frame: self.frame }.visit_map(entries)
    }
}

struct EventSeed<'f> {
    market: Market,
    frame: &'f mut Frame,
}

impl<'de> DeserializeSeed<'de> for EventSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! nothing_sensible {
    ($($visit:ident: $type:ty),+) => {$(
        fn $visit<E>(self, _: $type) -> Result<(), E> {
            self.frame.malformed += 1;
            Ok(())
        }
    )+};
}

impl<'de> Visitor<'de> for EventSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    nothing_sensible!(visit_u64: u64, visit_i64: i64, visit_f64: f64, visit_bool: bool, visit_str: &str);

    fn visit_unit<E>(self) -> Result<(), E> {
        self.frame.malformed += 1;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.frame.malformed += 1;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut raw = Raw::default();
        while let Some(name) = entries.next_key_seed(Name)? {
            raw.take(&name, &mut entries)?;
        }
        raw.tell(self.market, self.frame);
        Ok(())
    }
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        match serde::Deserialize::deserialize(deserializer)? {
            Field::Text(text) => Ok(text),
            _ => Ok(Cow::Borrowed("")),
        }
    }
}

/// The fields that any event may have, not yet understood: what they mean depends on `ev`.
#[derive(Default)]
struct Raw<'a> {
    ev: Field<'a>,
    sym: Field<'a>,
    upper_t: Field<'a>,
    pair: Field<'a>,
    p: Field<'a>,
    s: Field<'a>,
    bp: Field<'a>,
    ap: Field<'a>,
    a: Field<'a>,
    b: Field<'a>,
    o: Field<'a>,
    h: Field<'a>,
    l: Field<'a>,
    c: Field<'a>,
    v: Field<'a>,
    av: Field<'a>,
    vw: Field<'a>,
    t: Field<'a>,
    e: Field<'a>,
    val: Field<'a>,
    fmv: Field<'a>,
    status: Field<'a>,
    message: Field<'a>,
}

impl<'de> Raw<'de> {
    fn take<A: MapAccess<'de>>(&mut self, name: &str, entries: &mut A) -> Result<(), A::Error> {
        let field = match name {
            "ev" => &mut self.ev,
            "sym" => &mut self.sym,
            "T" => &mut self.upper_t,
            "pair" => &mut self.pair,
            "p" => &mut self.p,
            "s" => &mut self.s,
            "bp" => &mut self.bp,
            "ap" => &mut self.ap,
            "a" => &mut self.a,
            "b" => &mut self.b,
            "o" => &mut self.o,
            "h" => &mut self.h,
            "l" => &mut self.l,
            "c" => &mut self.c,
            "v" => &mut self.v,
            "av" => &mut self.av,
            "vw" => &mut self.vw,
            "t" => &mut self.t,
            "e" => &mut self.e,
            "val" => &mut self.val,
            "fmv" => &mut self.fmv,
            "status" => &mut self.status,
            "message" => &mut self.message,
            _ => {
                entries.next_value::<IgnoredAny>()?;
                return Ok(());
            }
        };
        *field = entries.next_value()?;
        Ok(())
    }

    fn tell(&self, market: Market, frame: &mut Frame) {
        let kind = self.ev.text().unwrap_or_default();
        if kind == "status" {
            let word = StatusWord::of(self.status.text().unwrap_or_default());
            let message = self.message.text().unwrap_or_default();
            let message = message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE_CHARS).collect();
            frame.notices.push(Notice { word, message });
            return;
        }
        let event = match kind {
            "T" | "XT" => self.trade(market),
            "Q" | "XQ" => self.quote(market),
            "C" => self.currency(market),
            "V" => self.value(market),
            "A" | "CAS" | "XAS" => self.bar(market, Span::Second),
            "AM" | "CA" | "XA" => self.bar(market, Span::Minute),
            "FMV" => self.fair_value(market),
            "" => None,
            _ => {
                frame.ignored += 1;
                return;
            }
        };
        match event {
            Some(event) => frame.events.push(event),
            None => frame.malformed += 1,
        }
    }

    fn event(&self, market: Market, name: &Field<'_>, at: &Field<'_>, told: Told) -> Option<FeedEvent> {
        Some(FeedEvent { symbol: symbol_of(market, name.text()?)?, at: at.moment()?, told })
    }

    /// `sym` of stocks and options, `pair` of crypto and currencies.
    fn name(&self) -> &Field<'de> {
        if self.sym == Field::Absent { &self.pair } else { &self.sym }
    }

    fn trade(&self, market: Market) -> Option<FeedEvent> {
        self.event(market, self.name(), &self.t, Told::Trade { price: self.p.price()?, size: self.s.amount() })
    }

    fn quote(&self, market: Market) -> Option<FeedEvent> {
        // An empty side is written as zero.
        let (bid, ask) = (self.bp.amount()?, self.ap.amount()?);
        let side = |price: f64| (price > 0.0).then_some(price);
        self.event(market, self.name(), &self.t, Told::Quote { bid: side(bid), ask: side(ask) })
    }

    fn currency(&self, market: Market) -> Option<FeedEvent> {
        self.event(market, &self.p, &self.t, Told::Quote { bid: Some(self.b.price()?), ask: Some(self.a.price()?) })
    }

    fn value(&self, market: Market) -> Option<FeedEvent> {
        self.event(market, &self.upper_t, &self.t, Told::Trade { price: self.val.price()?, size: None })
    }

    fn fair_value(&self, market: Market) -> Option<FeedEvent> {
        self.event(market, &self.sym, &self.t, Told::FairValue(self.fmv.price()?))
    }

    fn bar(&self, market: Market, span: Span) -> Option<FeedEvent> {
        let bar = Bar {
            span,
            start: self.s.moment()?,
            end: self.e.moment()?,
            open: self.o.price()?,
            high: self.h.price()?,
            low: self.l.price()?,
            close: self.c.price()?,
            volume: self.v.amount(),
            day_volume: self.av.amount(),
            vwap: self.vw.price(),
        };
        if bar.end < bar.start || bar.low > bar.high {
            return None;
        }
        self.event(market, self.name(), &self.e, Told::Bar(bar))
    }
}
