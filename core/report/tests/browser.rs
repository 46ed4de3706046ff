//! `index.html` in a real Chromium (Debian's package `chromium`).

#![allow(clippy::unwrap_used)] // helpers of tests, too, may unwrap

mod chromium;
mod synthetic;

use chromium::Page;
use jackpot_report::{render, write_report};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use synthetic::{outline, results};

/// The synthetic report in a temporary folder, with its page open.
fn opened() -> (tempfile::TempDir, Page) {
    let folder = tempfile::tempdir().unwrap();
    let mut outline = outline();
    outline.figures.push("tickets".into());
    let files = render(&outline, &results()).unwrap();
    write_report(folder.path(), &files).unwrap();
    let page = Page::open(&folder.path().join("index.html"));
    (folder, page)
}

#[test]
fn the_page_asks_nothing_of_the_network_and_complains_of_nothing() {
    let (folder, mut page) = opened();
    page.resize(1200, 900);
    page.picture("page-light.png");
    let file = format!("file://{}/index.html", folder.path().display());
    assert_eq!(page.requests(), [file]);
    assert_eq!(page.complaints(), Vec::<String>::new());
    let whole =
        "[...document.images].every(i => i.complete && i.naturalWidth > 0 && i.alt.length > 20)";
    assert_eq!(page.value(whole), true);
    assert_eq!(page.value("document.images.length"), 3);
    page.media("dark", "screen");
    page.picture("page-dark.png");
    page.value("document.querySelector('#table-accuracy').scrollIntoView()");
    page.picture("table-dark.png");
    page.media("light", "print");
    page.picture("page-print.png");
}

/// A script that the policy does not name is not run, and the test above would notice one.
#[test]
fn a_script_that_the_policy_does_not_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = render(&outline(), &results()).unwrap();
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    let more =
        "<script>document.title = 'taken'</script><img src='https://127.0.0.1/x.png'></body>";
    files.insert(
        "index.html".into(),
        page.replace("</body>", more).into_bytes(),
    );
    write_report(folder.path(), &files).unwrap();
    let mut page = Page::open(&folder.path().join("index.html"));
    assert_eq!(page.value("document.title"), "Made-up results");
    let complaints = page.complaints().join("\n");
    assert!(complaints.contains("script"), "{complaints}");
    assert!(
        complaints.contains("https://127.0.0.1/x.png"),
        "{complaints}"
    );
}

/// The links of a page whose file or anchor does not exist.
fn dead_links(folder: &Path, page: &mut Page) -> (usize, Vec<String>) {
    let links = page.value("[...document.links].map(a => a.getAttribute('href'))");
    let links: Vec<String> = serde_json::from_value(links).unwrap();
    let mut dead = Vec::new();
    for link in &links {
        let alive = match link.strip_prefix('#') {
            Some(id) => page.value(&format!("!!document.getElementById({})", json!(id))) == true,
            None => folder.join(link).is_file(),
        };
        if !alive {
            dead.push(link.clone());
        }
    }
    (links.len(), dead)
}

#[test]
fn every_link_resolves() {
    let (folder, mut page) = opened();
    let (links, dead) = dead_links(folder.path(), &mut page);
    assert!(links > 30, "{links}");
    assert_eq!(dead, Vec::<String>::new());
    let points =
        "[...document.querySelectorAll('#figure-tickets a')].map(a => a.textContent).join()";
    assert_eq!(page.value(points), "SVG,PNG,CSV");
    fs::remove_file(folder.path().join("tables/runs.csv")).unwrap();
    let (_, dead) = dead_links(folder.path(), &mut page);
    assert_eq!(dead, ["tables/runs.csv"]);
}

const TABLE: &str = "document.querySelectorAll('#table-accuracy table')[1]";

fn column(page: &mut Page, place: usize) -> Vec<Option<f64>> {
    let values = page.value(&format!(
        "[...{TABLE}.tBodies[0].rows].map(r => r.cells[{place}].dataset.value ?? null)"
    ));
    let number = |v: &Value| v.as_str().map(|text| text.parse().unwrap());
    values.as_array().unwrap().iter().map(number).collect()
}

#[test]
fn a_column_sorts_by_number_up_and_down_and_by_keyboard() {
    let (_folder, mut page) = opened();
    let before = column(&mut page, 2);
    page.value(&format!(
        "{TABLE}.tHead.rows[0].cells[2].querySelector('button').focus()"
    ));
    let state = |page: &mut Page| {
        page.value(&format!(
            "[...{TABLE}.tHead.rows[0].cells].map(c => c.getAttribute('aria-sort')).join()"
        ))
    };
    let unsorted = state(&mut page);
    let unsorted: Vec<&str> = unsorted.as_str().unwrap().split(',').collect();
    assert!(
        unsorted.len() > 5 && unsorted.iter().all(|s| *s == "none"),
        "{unsorted:?}"
    );
    for (expected, sign) in [("ascending", 1.0), ("descending", -1.0)] {
        page.press("Enter");
        let found = column(&mut page, 2);
        assert_ne!(found, before);
        let numbers: Vec<f64> = found.iter().flatten().map(|x| sign * x).collect();
        assert!(numbers.len() > 5 && numbers.is_sorted(), "{found:?}");
        // What has no number stands last, whichever way.
        let missing = found.iter().position(Option::is_none).unwrap();
        assert!(found[missing..].iter().all(Option::is_none), "{found:?}");
        let mut sorted = unsorted.clone();
        sorted[2] = expected;
        assert_eq!(state(&mut page), sorted.join(",").as_str());
    }
    // By words, with a click.
    page.click("#table-accuracy table button.sort");
    let words = "[...document.querySelector('#table-accuracy table').tBodies[0].rows].length";
    assert_eq!(page.value(words), 1);
}

const OPEN: &str = "document.getElementById('from').open";

#[test]
fn a_number_opens_its_runs_by_click_and_by_keyboard() {
    let (_folder, mut page) = opened();
    page.resize(1200, 900);
    assert_eq!(page.value(OPEN), false);
    page.click("#table-accuracy td button.from");
    assert_eq!(page.value(OPEN), true);
    page.value("document.querySelector('#from details').open = true");
    page.picture("dialog.png");
    let text = page.value("document.getElementById('from').innerText");
    let text = text.as_str().unwrap();
    let results = results();
    for seed in synthetic::SEEDS {
        let is = |r: &&jackpot_results::Run| r.ticket == "dense" && r.seed == seed;
        let jackpot_results::Outcome::Done(trained) =
            &results.runs.iter().find(is).unwrap().outcome
        else {
            panic!("the dense network is trained")
        };
        let all = page.value("document.getElementById('from').textContent");
        for part in [trained.key.to_string(), trained.metrics.to_string()] {
            assert!(all.as_str().unwrap().contains(&part), "{part} in {all}");
        }
    }
    assert!(text.contains("3 runs:"), "{text}");
    assert!(text.contains("jackpot show"), "{text}");
    assert!(text.contains("kind: train"), "{text}");

    page.press("Escape");
    assert_eq!(page.value(OPEN), false);
    let focused = page.value("document.activeElement.className");
    assert_eq!(focused, "from", "the focus comes back to the number");
    page.press("Enter");
    assert_eq!(page.value(OPEN), true);
    let inside = "document.getElementById('from').contains(document.activeElement)";
    assert_eq!(page.value(inside), true);
    page.press("Enter"); // on `Close`, which has the focus
    assert_eq!(page.value(OPEN), false);
    assert_eq!(page.complaints(), Vec::<String>::new());
}

/// A headline is a mean over sparsities: its runs are those of both arms at every sparsity, of
/// the seeds that have them all.
#[test]
fn a_finding_opens_the_runs_that_it_is_made_of() {
    let (_folder, mut page) = opened();
    page.resize(1200, 900);
    page.click("#findings button.from");
    page.value("document.querySelectorAll('#from details').forEach(d => { d.open = true; })");
    page.picture("finding.png");
    let text = page.value("document.getElementById('from').innerText");
    let text = text.as_str().unwrap();
    assert!(text.contains("Corrupted data · Lottery ticket"), "{text}");
    // Seed 3 has no corrupted run at 90 %.
    let mut expected = Vec::new();
    for run in results().runs {
        let arms = run.ticket == "lottery" && ["none", "corrupted"].contains(&run.check.as_str());
        match run.outcome {
            jackpot_results::Outcome::Done(t) if arms && run.seed < 3 => expected.push(t.key),
            _ => {}
        }
    }
    assert_eq!(expected.len(), 8);
    let keys = "[...document.querySelectorAll('#from details dl code')].map(c => c.textContent)";
    let found: Vec<String> = serde_json::from_value(page.value(keys)).unwrap();
    for key in &expected {
        assert!(found.contains(&key.to_string()), "{key} in {text}");
    }
    let runs = page.value("document.querySelectorAll('#from details').length");
    assert_eq!(runs, expected.len());
    page.press("Escape");
    assert_eq!(page.value(OPEN), false);
    // Every number of a finding has its runs.
    let bare = "[...document.querySelectorAll('#findings li')].filter(li => { \
                const copy = li.cloneNode(true); \
                copy.querySelectorAll('button').forEach(b => b.remove()); \
                return /\\[[+−0-9]/.test(copy.textContent); }).length";
    assert_eq!(page.value(bare), 0);
    let all = page.value("document.querySelectorAll('#findings button.from').length");
    assert!(all.as_u64().unwrap() > 5, "{all}");
    assert_eq!(page.complaints(), Vec::<String>::new());
}

#[test]
fn every_measured_number_has_its_runs() {
    let (_folder, mut page) = opened();
    // Means and intervals; a count of runs may be nought and then has none.
    let bare = "[...document.querySelectorAll('td.number')].filter(td => \
                /±|\\[/.test(td.textContent) && !td.querySelector('button.from')).length";
    assert_eq!(page.value(bare), 0);
    let all = "document.querySelectorAll('button.from').length";
    assert!(page.value(all).as_u64().unwrap() > 200);
}

#[test]
fn nothing_is_wider_than_a_phone() {
    let (_folder, mut page) = opened();
    page.resize(360, 740);
    let wide = "document.documentElement.scrollWidth";
    assert_eq!(page.value(wide), 360);
    page.picture("phone.png");
    page.value("document.querySelector('#table-accuracy').scrollIntoView()");
    page.picture("phone-table.png");
    page.click("#table-accuracy td button.from");
    page.value("document.querySelector('#from details').open = true");
    page.picture("phone-dialog.png");
    assert_eq!(page.value(wide), 360);
    let dialog = "document.getElementById('from').scrollWidth <= document.getElementById('from').clientWidth";
    assert_eq!(page.value(dialog), true);
}

/// The contrast of two colours as WCAG 2.2 defines it, for everything that holds text.
const CONTRAST: &str = r"
(() => {
  const light = (c) => {
    const [r, g, b] = c.match(/[\d.]+/g).slice(0, 3).map((x) => {
      const v = x / 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (!/, 0\)$/.test(c)) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  let least = 99;
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const pair = [light(getComputedStyle(e).color), light(ground(e))].sort((a, b) => b - a);
    least = Math.min(least, (pair[0] + 0.05) / (pair[1] + 0.05));
  }
  return least;
})()";

#[test]
fn text_can_be_read_in_both_colour_schemes() {
    let (_folder, mut page) = opened();
    let ground = "getComputedStyle(document.body).backgroundColor";
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        page.media(scheme, "screen");
        grounds.push(page.value(ground));
        let least = page.value(CONTRAST).as_f64().unwrap();
        assert!(least >= 4.5, "{scheme}: {least}");
    }
    assert_ne!(grounds[0], grounds[1]);
    page.value("document.querySelector('h1').style.color = '#888'");
    page.media("light", "screen");
    let least = page.value(CONTRAST).as_f64().unwrap();
    assert!(least < 4.5, "a grey heading is seen: {least}");
}

#[test]
fn the_page_has_landmarks_headings_and_names() {
    let (_folder, mut page) = opened();
    for (what, count) in [
        ("main", 1),
        ("h1", 1),
        ("header", 1),
        ("nav[aria-label]", 1),
    ] {
        let found = page.value(&format!("document.querySelectorAll('{what}').length"));
        assert_eq!(found, count, "{what}");
    }
    for odd in [
        // Headings that skip a level, ids that are there twice, buttons and regions without names.
        "(() => { let last = 0; return [...document.querySelectorAll('h1,h2,h3,h4')].filter(h => { \
         const l = +h.tagName[1]; const odd = l > last + 1; last = l; return odd; }).length; })()",
        "(() => { const all = [...document.querySelectorAll('[id]')].map(e => e.id); \
         return all.length - new Set(all).size; })()",
        "[...document.querySelectorAll('button')].filter(b => !b.textContent.trim()).length",
        "[...document.querySelectorAll('[aria-labelledby]')].filter(e => \
         !document.getElementById(e.getAttribute('aria-labelledby'))).length",
        "[...document.querySelectorAll('table')].filter(t => !t.caption).length",
    ] {
        assert_eq!(page.value(odd), 0, "{odd}");
    }
}
