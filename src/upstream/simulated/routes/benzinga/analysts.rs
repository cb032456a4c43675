//! Who rates companies, and how: firms, their analysts, their ratings with the reasoning, and what they think together.

use serde_json::{Value, json};

use super::super::super::answer::Refusal;
use super::super::super::market::calendar::{date_of_number, day_number};
use super::super::super::market::universe::{Instrument, Market};
use super::super::super::noise::{Dice, mix_text, rounded};
use super::super::super::table::Call;
use super::{dice_of, id, updated};

const FIRMS: [&str; 8] = [
    "Example Capital",
    "Sample & Sons",
    "Specimen Research",
    "Northgate Partners",
    "Harbour Street",
    "Blue Quill Securities",
    "Old Mill Bank",
    "Lantern Advisers",
];
const FIRST_NAMES: [&str; 6] = ["Ada", "Ben", "Clara", "David", "Elena", "Farid"];
const LAST_NAMES: [&str; 6] = ["Abbott", "Brenner", "Castillo", "Dvorak", "Eriksen", "Fournier"];

/// The ratings from the best to the worst.
const RATINGS: [&str; 5] = ["Strong Buy", "Buy", "Hold", "Sell", "Strong Sell"];

/// How many analysts each firm has, and how many ratings each company got.
const ANALYSTS_EACH: u64 = 3;
const RATINGS_EACH: u64 = 8;

/// The days between two ratings of a company.
const DAYS_APART: i64 = 11;

fn firm_dice(call: &Call<'_>, firm: usize) -> Dice {
    Dice(mix_text(call.view.exchange.seed, "firm")).of(&[firm as u64])
}

fn analyst_name(dice: Dice) -> String {
    format!("{} {}", dice.pick(1, &FIRST_NAMES), dice.pick(2, &LAST_NAMES))
}

pub(super) fn firms(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let row = |(place, name): (usize, &&str)| {
        let dice = firm_dice(call, place);
        json!({"benzinga_id": id(dice), "name": name, "currency": "USD", "last_updated": "2024-03-01T12:00:00Z"})
    };
    Ok(FIRMS.iter().enumerate().map(row).collect())
}

pub(super) fn analysts(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let rows = FIRMS.iter().enumerate().flat_map(|(place, name)| {
        let firm = firm_dice(call, place);
        (0..ANALYSTS_EACH).map(move |turn| {
            let dice = firm.of(&[turn]);
            let mut row = json!({
                "benzinga_id": id(dice),
                "benzinga_firm_id": id(firm),
                "firm_name": name,
                "full_name": analyst_name(dice),
                "last_updated": "2024-03-01T12:00:00Z",
            });
            // A beginner has no record.
            if !dice.one_in(3, 6) {
                row["overall_avg_return"] = rounded(dice.between(4, -8.0, 25.0), 2).into();
                row["overall_avg_return_percentile"] = rounded(dice.between(5, 1.0, 99.0), 2).into();
                row["overall_success_rate"] = rounded(dice.between(6, 30.0, 80.0), 2).into();
                row["smart_score"] = rounded(dice.between(7, 10.0, 99.0), 2).into();
                row["total_ratings"] = rounded(dice.between(8, 20.0, 900.0), 0).into();
                row["total_ratings_percentile"] = rounded(dice.between(9, 1.0, 99.0), 2).into();
            }
            row
        })
    });
    Ok(rows.collect())
}

/// One rating of a company.
struct Rating {
    dice: Dice,
    firm: usize,
    date: jiff::civil::Date,
    rating: usize,
    before: usize,
    target: f64,
    target_before: f64,
}

impl Rating {
    /// Lists what a company was rated so far, the newest first.
    fn all(call: &Call<'_>, stock: &Instrument) -> impl Iterator<Item = Self> + use<> {
        let today = day_number(call.today());
        let phase = (stock.key % DAYS_APART as u64) as i64;
        let newest = (today - phase).div_euclid(DAYS_APART);
        let (key, price) = (stock.clone(), stock.base_price);
        (0..RATINGS_EACH as i64).map(move |back| {
            let turn = newest - back;
            let dice = dice_of(&key, 1, turn as u64);
            let target = |salt| rounded(price * dice.between(salt, 0.7, 1.5), 2);
            Self {
                dice,
                firm: dice.below(1, FIRMS.len() as u64) as usize,
                date: date_of_number(turn * DAYS_APART + phase),
                rating: dice.below(2, 5) as usize,
                before: dice.below(3, 5) as usize,
                target: target(4),
                target_before: target(5),
            }
        })
    }

    fn action(&self) -> &'static str {
        match self.rating.cmp(&self.before) {
            std::cmp::Ordering::Less => "upgrades",
            std::cmp::Ordering::Equal => "maintains",
            std::cmp::Ordering::Greater => "downgrades",
        }
    }
}

pub(super) fn ratings(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let rows = call.companies().flat_map(|stock| {
        Rating::all(call, stock).filter(|rating| call.admits_date("date", rating.date)).map(move |rating| {
            let dice = rating.dice;
            let analyst = firm_dice(call, rating.firm).of(&[dice.below(6, ANALYSTS_EACH)]);
            let raised = if rating.target >= rating.target_before { "raises" } else { "lowers" };
            json!({
                "benzinga_id": id(dice),
                "benzinga_analyst_id": id(analyst),
                "benzinga_firm_id": id(firm_dice(call, rating.firm)),
                "benzinga_calendar_url": format!("https://calendar.example.com/ratings/{}", stock.ticker),
                "benzinga_news_url": format!("https://news.example.com/ratings/{}", stock.ticker),
                "analyst": analyst_name(analyst),
                "firm": FIRMS[rating.firm],
                "company_name": stock.name,
                "ticker": stock.ticker,
                "currency": "USD",
                "date": rating.date.to_string(),
                "time": format!("{:02}:{:02}:00", 6 + dice.below(7, 10), dice.below(8, 60)),
                "importance": dice.below(9, 6),
                "last_updated": updated(dice, rating.date),
                "rating": RATINGS[rating.rating],
                "previous_rating": RATINGS[rating.before],
                "rating_action": rating.action(),
                "price_target": rating.target,
                "previous_price_target": rating.target_before,
                "adjusted_price_target": rating.target,
                "previous_adjusted_price_target": rating.target_before,
                "price_target_action": raised,
                "price_percent_change": rounded((rating.target / rating.target_before - 1.0) * 100.0, 2),
            })
        })
    });
    Ok(rows.collect())
}

pub(super) fn insights(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let rows = call.companies().flat_map(|stock| {
        Rating::all(call, stock).filter(|rating| call.admits_date("date", rating.date)).map(move |rating| {
            let (firm, name) = (FIRMS[rating.firm], RATINGS[rating.rating]);
            let insight = format!(
                "{firm} rates {} at {name} with a price target of {:.2}; the reasoning is made up, as all of the simulated market.",
                stock.name, rating.target
            );
            json!({
                "benzinga_id": id(rating.dice.of(&[20])),
                "benzinga_rating_id": id(rating.dice),
                "benzinga_firm_id": id(firm_dice(call, rating.firm)),
                "company_name": stock.name,
                "ticker": stock.ticker,
                "date": rating.date.to_string(),
                "firm": firm,
                "insight": insight,
                "last_updated": updated(rating.dice, rating.date),
                "price_target": rating.target,
                "rating": name,
                "rating_action": rating.action(),
            })
        })
    });
    Ok(rows.collect())
}

pub(super) fn consensus(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let known = call.view.exchange.universe.find(call.segment("ticker"));
    let Some(stock) = known.filter(|stock| stock.market == Market::Stocks && stock.kind != "ETF") else {
        return Ok(Vec::new());
    };
    let ratings: Vec<Rating> = Rating::all(call, stock).collect();
    let count = |rating: usize| ratings.iter().filter(|given| given.rating == rating).count();
    let targets = || ratings.iter().map(|rating| rating.target);
    let mean = ratings.iter().map(|given| 5.0 - given.rating as f64).sum::<f64>() / ratings.len().max(1) as f64;
    let name = RATINGS[(5.0 - mean).round().clamp(0.0, 4.0) as usize];
    Ok(vec![json!({
        "ticker": stock.ticker,
        "strong_buy_ratings": count(0),
        "buy_ratings": count(1),
        "hold_ratings": count(2),
        "sell_ratings": count(3),
        "strong_sell_ratings": count(4),
        "ratings_contributors": ratings.len(),
        "price_target_contributors": ratings.len(),
        "consensus_rating": name.to_lowercase().replace(' ', "_"),
        "consensus_rating_value": rounded(mean, 2),
        "consensus_price_target": rounded(targets().sum::<f64>() / ratings.len().max(1) as f64, 2),
        "high_price_target": targets().fold(f64::MIN, f64::max),
        "low_price_target": targets().fold(f64::MAX, f64::min),
    })])
}
