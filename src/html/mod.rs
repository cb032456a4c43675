//! How does text get into a page without becoming a part of it? And what do all small pages (consent, key links, faults) share?

/// What every small page has around its body.
const PAGE: &str = include_str!("page.html");

/// A page of this title, with a body whose fields are filled as [`filled`] does.
pub(crate) fn page(title: &str, body: &str, value: impl Fn(&str) -> String) -> String {
    let body = filled(body, value);
    filled(PAGE, |field| if field == "title" { escaped(title) } else { body.clone() })
}

/// Fills the fields of a template in one pass: what is filled in is not looked at again.
fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = template.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (field, rest) = part.split_once("}}").unwrap_or(("", part));
        page.push_str(&value(field));
        page.push_str(rest);
    }
    page
}

/// Text for HTML, in elements and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut page, c| {
        match c {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            c => page.push(c),
        }
        page
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_26_what_a_client_says_of_itself_is_text_and_no_template() {
        assert_eq!(escaped("<img src=x onerror='a(\"&\")'>"), "&lt;img src=x onerror=&#39;a(&quot;&amp;&quot;)&#39;&gt;");
        let page = filled("a {{x}} b {{y}}", |field| if field == "x" { "{{y}}".to_owned() } else { "secret".to_owned() });
        assert_eq!(page, "a {{y}} b secret");
    }
}
