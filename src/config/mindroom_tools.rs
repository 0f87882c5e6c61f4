//! MindRoom's tools: those that Maitre doesn't have are ignored with a warning, never an error.

use std::collections::BTreeSet;

use super::{
    fault::Fault,
    key_path::KeyPath,
    nearest::nearest,
    node::{Node, Span, Value},
    tools::TOOLS,
};

/// Their names, in the order of the alphabet.
const NAMES: &str = "
agent_vault_access agentql airflow apify approved_egress arxiv attachments aws_lambda aws_ses baidusearch bitbucket
brandfetch brightdata browser browser_mcp browserbase cal_com calculator callback_manager cartesia chat_ui claude_agent
clickup coding compact_context composio config_manager confluence crawl4ai csv custom_api dalle daytona delegate
desi_vocal desktop discord docker duckdb duckduckgo dynamic_tools dynamic_workflow e2b eleven_labs email exa
external_events external_trigger_manager fal file file_generation financial_datasets_api firecrawl gemini giphy github
gmail google_bigquery google_calendar google_docs google_drive google_maps google_scholar google_sheets google_tasks
googlesearch groq hackernews homeassistant invite_router jina jira linear linkup lumalabs matrix_api matrix_message
matrix_room matrix_voice_message mem0 memory microsoft_365 mlx_transcribe modelslabs moviepy_video_tools neo4j newspaper
newspaper4k notion openai openbb openclaw_compat openweather oxylabs pandas postgres pubmed python reasoning reddit
redshift replicate report_publishing resend scheduler scrapegraph searxng self_config serpapi serper shell shopify slack
sleep spider spotify sql subagents tavily telegram thread_model thread_resolution thread_summary thread_tags todo todoist
trafilatura trello twilio unsplash update_awareness visualization web_browser_tools webex website whatsapp wikipedia x
yfinance youtube zendesk zep zoom
";

/// What was taken out of the lists under one path.
#[derive(Default)]
struct Taken {
    first: Option<Span>,
    names: BTreeSet<&'static str>,
    /// Whether there were names that plugins or servers of tools bring.
    others: bool,
}

/// Takes MindRoom's tools out of the lists of tools, with one warning for all agents and one for the defaults.
pub(super) fn set_tools_aside(root: &mut Node, faults: &mut Vec<Fault>) {
    // Plugins and servers of tools bring names that nobody else knows.
    let brought = ["plugins", "mcp_servers"].into_iter().any(|section| root.entry(section).is_some());
    for steps in [&["agents", "*", "tools"][..], &["defaults", "tools"]] {
        let mut taken = Taken::default();
        each(root, steps, &mut |list| take(list, brought, &mut taken));
        let Some(span) = taken.first else { continue };
        let mut names: Vec<&str> = taken.names.into_iter().collect();
        if taken.others {
            names.push("others that were brought along");
        }
        let message = format!("these MindRoom tools are not here, at least not yet: {}", names.join(", "));
        let fault = Fault::at(span, &KeyPath::of(steps), message);
        faults.push(fault.hint("they may stay; Maitre ignores them").warning());
    }
}

/// Everything that the steps lead to; `*` stands for any key.
fn each(node: &mut Node, steps: &[&str], act: &mut impl FnMut(&mut Node)) {
    let Some((step, rest)) = steps.split_first() else { return act(node) };
    let Value::Map(entries) = &mut node.value else { return };
    for entry in entries.iter_mut().filter(|entry| *step == "*" || *step == &*entry.key) {
        each(&mut entry.node, rest, act);
    }
}

fn take(list: &mut Node, brought: bool, taken: &mut Taken) {
    let Value::List(items) = &mut list.value else { return };
    for item in items {
        let Some(name) = name(item) else { continue };
        let known = NAMES.split_whitespace().find(|known| *known == name);
        let unknown = brought && !TOOLS.contains(&name) && nearest(name, TOOLS).is_none();
        if known.is_none() && !unknown {
            continue;
        }
        match known {
            Some(known) => {
                taken.names.insert(known);
            }
            None => taken.others = true,
        }
        taken.first.get_or_insert(item.span);
        item.value = Value::Gone;
    }
}

/// The tool that an entry names: `shell`, `shell: {…}` or `{name: shell, …}`.
fn name(item: &Node) -> Option<&str> {
    match &item.value {
        Value::Scalar(scalar) => Some(scalar.text.trim()),
        Value::Map(entries) => match item.get("name") {
            Some(Node { value: Value::Scalar(scalar), .. }) => Some(scalar.text.trim()),
            Some(_) => None,
            None => (entries.len() == 1).then(|| &*entries[0].key),
        },
        Value::List(_) | Value::Include(_) | Value::Gone => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_once() {
        let names: Vec<&str> = NAMES.split_whitespace().collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "in order, each once");
        assert!(TOOLS.iter().all(|ours| !names.contains(ours)), "what we have is not set aside");
    }
}
