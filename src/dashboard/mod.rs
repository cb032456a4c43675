//! The dashboard: plain ES modules, embedded; nothing is computed here.

/// A file of the dashboard.
pub(crate) struct Asset {
    /// Its media type.
    pub(crate) media_type: &'static str,
    /// Its bytes.
    pub(crate) bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal),+ $(,)?) => {
        const ASSETS: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("assets/", $name)))),+];
    };
}

assets!(
    "account.css",
    "account.html",
    "account.js",
    "app.js",
    "article.js",
    "articles.js",
    "ask.js",
    "backoff.js",
    "chart.js",
    "clients.js",
    "confirm.js",
    "consent.css",
    "dom.js",
    "format.js",
    "freshness.js",
    "gap.js",
    "icon.png",
    "icon.svg",
    "index.html",
    "key-link.js",
    "keys.js",
    "news.js",
    "note.js",
    "position.js",
    "refusal.js",
    "row.js",
    "session.js",
    "status.js",
    "stream.js",
    "style.css",
    "symbols.js",
    "things.js",
    "watchlist.js",
);

/// The file of that name.
pub(crate) fn find(name: &str) -> Option<Asset> {
    let (name, bytes) = ASSETS.iter().find(|(known, _)| *known == name)?;
    let media_type = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "png")) => "image/png",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    };
    Some(Asset { media_type, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/assets");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(find(&name).is_some(), "{name} is missing in the list of src/dashboard/mod.rs");
        }
    }
}
