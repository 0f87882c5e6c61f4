//! Turns a model's markdown into what clients show: safe HTML from a short list of tags, plain text, and mentions.

use std::ops::Range;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeWithOffset, html};

use super::mentions::{Linked, Roster, pill, without_room};
use crate::model::UserId;

/// The tags that may leave here. All Matrix clients show them; none fetches anything.
const TAGS: [&str; 24] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
];
/// Where links may lead. `matrix.to` is reached by `https`.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];
/// How deep elements may lie in each other; what lies deeper loses its form, not its text. Clients promise 100.
const NESTING_MAX: usize = 24;
/// The longest name of a programming language that a code block may carry.
const LANGUAGE_BYTES_MAX: usize = 32;

/// A text in every form that an event needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// For clients that show plain text: the markdown, with names where mentions were.
    pub body: String,
    /// For clients that show HTML.
    pub html: String,
    /// Who is mentioned, each once, in the order of the text.
    pub mentions: Vec<UserId>,
}

/// Renders `markdown`, mentioning those of the `roster` that it names.
///
/// Raw HTML is shown as text, images become links, and a code fence that isn't finished yet is a code block already.
#[must_use]
pub fn render(markdown: &str, roster: &Roster) -> Rendered {
    let mut renderer = Renderer::new(roster);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    for (event, range) in TextMergeWithOffset::new(Parser::new_ext(markdown, options).into_offset_iter()) {
        renderer.on(event, markdown, range);
    }
    let mut unsafe_html = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut unsafe_html, renderer.events.into_iter());
    let body = without_room(&swapped(markdown, &renderer.swaps));
    let html = sanitise(&unsafe_html).trim_end().to_owned();
    // Some text is only there for markdown's own sake. It is all there is to show, then.
    let html = if html.is_empty() { format!("<p>{}</p>", escape(body.trim())) } else { html };
    Rendered { body, html, mentions: renderer.mentions }
}

/// The text as HTML shows it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What passes the list of tags, attributes and schemes. The renderer lets nothing else through; this is the second lock.
fn sanitise(html: &str) -> String {
    let mut builder = Builder::empty();
    builder
        .add_tags(TAGS)
        .add_tags(["ul"])
        .add_tag_attributes("a", ["href"])
        .add_tag_attributes("ol", ["start"])
        .add_tag_attributes("code", ["class"])
        .add_url_schemes(SCHEMES)
        .add_clean_content_tags(["script", "style"])
        .url_relative(UrlRelative::Deny)
        .link_rel(None)
        .attribute_filter(|_, attribute, value| {
            let kept = match attribute {
                "class" => value.strip_prefix("language-").is_some_and(is_language),
                "start" => value.bytes().all(|byte| byte.is_ascii_digit()),
                _ => true,
            };
            kept.then_some(value.into())
        });
    builder.clean(html).to_string()
}

struct Renderer<'m, 'r> {
    roster: &'r Roster,
    events: Vec<Event<'m>>,
    /// What was put in the place of pieces of the source, for the plain text.
    swaps: Vec<(Range<usize>, String)>,
    mentions: Vec<UserId>,
    /// The end that each open element gets; none where the element itself was left out.
    open: Vec<Option<TagEnd>>,
    /// How many of the open elements are shown.
    depth: usize,
    code_blocks: usize,
    /// How many links and images we are in.
    links: usize,
}

impl<'m, 'r> Renderer<'m, 'r> {
    fn new(roster: &'r Roster) -> Self {
        let (events, swaps, mentions, open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { roster, events, swaps, mentions, open, depth: 0, code_blocks: 0, links: 0 }
    }

    fn on(&mut self, event: Event<'m>, source: &str, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) if self.code_blocks > 0 || self.links > 0 => self.say(&text),
            Event::Text(text) => self.text(&text, &source[range.clone()], range.start),
            Event::Code(code) => self.events.push(Event::Code(without_room(&code).into())),
            Event::Html(raw) => self.raw(&raw),
            Event::InlineHtml(raw) if is_line_break(&raw) => self.events.push(Event::HardBreak),
            Event::InlineHtml(text)
            | Event::FootnoteReference(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => self.say(&text),
            // People who write in chats mean the line breaks that they make, and so do models.
            Event::SoftBreak | Event::HardBreak => self.events.push(Event::HardBreak),
            Event::Rule => self.events.push(Event::Rule),
            Event::TaskListMarker(done) => self.say(if done { "☑ " } else { "☐ " }),
        }
    }

    fn start(&mut self, tag: Tag<'m>) {
        match &tag {
            Tag::CodeBlock(_) => self.code_blocks += 1,
            Tag::Link { .. } | Tag::Image { .. } => self.links += 1,
            _ => {}
        }
        let kept = if self.depth < NESTING_MAX { self.kept(tag) } else { None };
        self.depth += usize::from(kept.is_some());
        self.open.push(kept.as_ref().map(Tag::to_end));
        self.events.extend(kept.map(Event::Start));
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::CodeBlock => self.code_blocks -= 1,
            TagEnd::Link | TagEnd::Image => self.links -= 1,
            TagEnd::HtmlBlock if self.events.last() == Some(&Event::HardBreak) => drop(self.events.pop()),
            _ => {}
        }
        if let Some(end) = self.open.pop().flatten() {
            self.depth -= 1;
            self.events.push(Event::End(end));
        }
    }

    /// The form in which an element is shown, if it is.
    fn kept(&mut self, tag: Tag<'m>) -> Option<Tag<'m>> {
        match tag {
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                let language = info.split([' ', ',', '\t']).next().filter(|word| is_language(word));
                Some(Tag::CodeBlock(CodeBlockKind::Fenced(language.unwrap_or_default().to_owned().into())))
            }
            Tag::HtmlBlock => Some(Tag::Paragraph),
            Tag::Link { dest_url, link_type, id, .. } if link_type == LinkType::Email || may_lead_to(&dest_url) => {
                match self.roster.linked(&dest_url) {
                    Linked::Elsewhere => {}
                    Linked::Member(member) => mention(&mut self.mentions, &member.user),
                    Linked::Stranger => return None,
                }
                Some(Tag::Link { dest_url, link_type, id, title: CowStr::Borrowed("") })
            }
            // An image would be fetched from afar by everybody who looks. As a link, nobody is made to.
            Tag::Image { dest_url, link_type, id, .. }
                if self.links == 1 && may_lead_to(&dest_url) && self.roster.linked(&dest_url) == Linked::Elsewhere =>
            {
                Some(Tag::Link { dest_url, link_type, id, title: CowStr::Borrowed("") })
            }
            Tag::Link { .. } | Tag::Image { .. } | Tag::FootnoteDefinition(_) | Tag::MetadataBlock(_) => None,
            other => Some(other),
        }
    }

    fn text(&mut self, text: &str, source: &str, offset: usize) {
        let mut done = 0;
        for found in self.roster.find(text) {
            self.say(&text[done..found.range.start]);
            let name = shown_name(&found.who.display_name, &found.who.user);
            // The name is what its bearer chose, so it goes in escaped; only the link around it is ours.
            self.events.push(Event::InlineHtml(pill(&found.who.user, &without_room(name)).into()));
            mention(&mut self.mentions, &found.who.user);
            done = found.range.end;
        }
        self.say(&text[done..]);
        for found in self.roster.find(source) {
            let range = offset + found.range.start..offset + found.range.end;
            self.swaps.push((range, shown_name(&found.who.display_name, &found.who.user).to_owned()));
        }
    }

    fn say(&mut self, text: &str) {
        if !text.is_empty() {
            self.events.push(Event::Text(without_room(text).into()));
        }
    }

    fn raw(&mut self, raw: &str) {
        for line in raw.split_inclusive('\n') {
            self.say(line.trim_end_matches('\n'));
            if line.ends_with('\n') {
                self.events.push(Event::HardBreak);
            }
        }
    }
}

fn mention(mentions: &mut Vec<UserId>, user: &UserId) {
    if !mentions.contains(user) {
        mentions.push(user.clone());
    }
}

fn shown_name<'a>(display_name: &'a str, user: &'a UserId) -> &'a str {
    if display_name.trim().is_empty() { user.as_str() } else { display_name }
}

fn swapped(source: &str, swaps: &[(Range<usize>, String)]) -> String {
    let mut text = String::with_capacity(source.len());
    let mut done = 0;
    for (range, name) in swaps {
        text.push_str(&source[done..range.start]);
        text.push_str(name);
        done = range.end;
    }
    text.push_str(&source[done..]);
    text
}

fn may_lead_to(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}

fn is_language(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= LANGUAGE_BYTES_MAX
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-_.#".contains(&byte))
}

fn is_line_break(raw: &str) -> bool {
    let name = raw.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/').trim();
    name.eq_ignore_ascii_case("br")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::mentions::Mentionable, *};

    fn somebody(user: &str, display_name: &str) -> Mentionable {
        let user = UserId::parse(user).unwrap();
        Mentionable { user, display_name: display_name.to_owned(), handles: Vec::new() }
    }

    fn roster() -> Roster {
        let others = vec![somebody("@bob:home", "Bob & <i>Co</i>"), somebody("@deep_one:home", "@room")];
        Roster::new(&somebody("@me:home", "Me"), others)
    }

    fn check(markdown: &str, expected: &str) {
        assert_eq!(render(markdown, &roster()).html, expected, "{markdown}");
    }

    /// S3: markdown becomes HTML.
    #[test]
    fn markdown_becomes_html() {
        check("a **b** _c_ ~~d~~", "<p>a <strong>b</strong> <em>c</em> <del>d</del></p>");
        check("one\ntwo", "<p>one<br>\ntwo</p>");
        check("3. x", "<ol start=\"3\">\n<li>x</li>\n</ol>");
        check("- [x] x", "<ul>\n<li>☑ x</li>\n</ul>");
        check("```rust\na < b", "<pre><code class=\"language-rust\">a &lt; b</code></pre>");
        check("```ru\"st x\n", "<pre><code></code></pre>");
        check("[a](https://b.c \"t\")", "<p><a href=\"https://b.c\">a</a></p>");
        check(
            "<https://b.c> <a@b.c>",
            "<p><a href=\"https://b.c\">https://b.c</a> <a href=\"mailto:a@b.c\">a@b.c</a></p>",
        );
        check(
            "|a|b|\n|-:|-|\n|1|x<br>y|",
            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr><td>1</td><td>x<br>\ny</td></tr>\n\
             </tbody></table>",
        );
    }

    /// S3: allow-listed tags, no remote images.
    #[test]
    fn nothing_dangerous_passes() {
        check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
        check("a <img src=x onerror=y> b", "<p>a &lt;img src=x onerror=y&gt; b</p>");
        check("<div>\na\n</div>\n", "<p>&lt;div&gt;<br>\na<br>\n&lt;/div&gt;</p>");
        check("![cat](https://b.c/cat.png)", "<p><a href=\"https://b.c/cat.png\">cat</a></p>");
        check("[![cat](https://b.c/1)](https://b.c/2)", "<p><a href=\"https://b.c/2\">cat</a></p>");
        check("![x](data:image/png;base64,xx)", "<p>x</p>");
        check("[x](javascript:alert(1))", "<p>x</p>");
        check("[x](JaVaScRiPt:alert(1)) [y](/etc) [z](matrix:u/a:b)", "<p>x y z</p>");
        check("[x](vbscript:a) [y](file:///etc)", "<p>x y</p>");
    }

    /// S2: a mention becomes a pill and its user is told; not in code, not in links, not oneself.
    #[test]
    fn mentions_become_pills() {
        let pill = "<a href=\"https://matrix.to/#/@bob:home\">Bob &amp; &lt;i&gt;Co&lt;/i&gt;</a>";
        let rendered = render("**@bob**, `@bob` @me\n\n    @bob\n\n[@bob](https://b.c)", &roster());
        assert!(rendered.html.starts_with(&format!("<p><strong>{pill}</strong>, <code>@bob</code> @me</p>")));
        assert_eq!(rendered.html.matches("matrix.to").count(), 1, "{}", rendered.html);
        assert_eq!(rendered.body, "**Bob & <i>Co</i>**, `@bob` @me\n\n    @bob\n\n[@bob](https://b.c)");
        assert_eq!(rendered.mentions, [UserId::parse("@bob:home").unwrap()]);
    }

    #[test]
    fn a_user_is_told_once_however_often_and_however_named() {
        let rendered = render("@bob @bob [him](https://matrix.to/#/@bob:home)", &roster());
        assert_eq!(rendered.mentions.len(), 1);
        let stranger = render("[boss](https://matrix.to/#/@boss:far) [me](https://matrix.to/#/%40me:home)", &roster());
        assert_eq!((stranger.html.as_str(), stranger.mentions.len()), ("<p>boss me</p>", 0));
        assert_eq!(render("@deep\\_one @deep_one", &roster()).mentions.len(), 1);
    }

    /// S2: `@room` never, wherever it stands and whoever is called so.
    #[test]
    fn the_room_is_never_mentioned() {
        for markdown in
            ["@room", "`@ROOM`", "```\n@room\n```", "[@room](https://b.c)", "<b>@room", "@deep_one", "&#64;room"]
        {
            let rendered = render(markdown, &roster());
            assert!(!rendered.body.to_lowercase().contains("@room"), "{rendered:?}");
            assert!(!rendered.html.to_lowercase().contains("@room"), "{rendered:?}");
        }
    }

    #[test]
    fn deep_nesting_loses_its_form_not_its_text() {
        let html = render(&format!("{} x", ">".repeat(5_000)), &roster()).html;
        assert_eq!(html.matches("<blockquote>").count(), NESTING_MAX);
        assert!(html.contains('x'), "{html}");
        let list: Vec<String> = (0..200).map(|depth| format!("{}- x{depth}", "  ".repeat(depth))).collect();
        let html = render(&list.join("\n"), &roster()).html;
        assert!(html.matches("<ul>").count() <= NESTING_MAX && html.contains("x199"), "{html}");
    }

    /// The insides of all tags of a text.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// S3: whatever a model says, what leaves is safe, and the second lock finds nothing more to do.
        #[test]
        fn whatever_comes_leaves_safe(markdown in hostile()) {
            let html = render(&markdown, &roster()).html;
            prop_assert_eq!(&sanitise(&html), &html);
            for tag in tags(&html) {
                let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
                prop_assert!(TAGS.contains(&name) || name == "ul", "{}", tag);
                let tag = tag.to_lowercase();
                prop_assert!(!tag.contains("javascript:") && !tag.contains("data:") && !tag.contains(" on"), "{}", tag);
                prop_assert!(!tag.contains(" style") && !tag.contains(" id") && !tag.contains(" src"), "{}", tag);
            }
        }
    }

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-z<>&\"'`*_~\\[\\]()!|#:=\\-0-9\\\\ \n\t]{0,12}",
            prop::sample::select(vec![
                "<script>",
                "</script>",
                "<img src=x onerror=a()>",
                "](javascript:a)",
                "[x](java\tscript:a)",
                "![x](http://b)",
                "<a href=\"javascript:a\" onclick=b>",
                "<svg/onload=a>",
                "<!--",
                "-->",
                "<style>",
                "<![CDATA[",
                "]]>",
                "<?",
                "?>",
                "```",
                "~~~js",
                "\n\n",
                "> ",
                "- ",
                "1. ",
                "|a|\n|-|\n",
                "&#x6a;avascript:",
                "&lt;img&gt;",
                "<math><mi>",
                "@bob",
                "<https://a\"onload=b>",
                "[x](<http://a b\" onx=\"y>)",
                "\0",
                "\u{202e}",
                "<noscript><p title=\"</noscript>",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }
}
