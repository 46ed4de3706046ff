//! A headless Chromium, controlled over its DevTools pipe with JSON messages that end with a zero
//! byte. <https://chromedevtools.github.io/devtools-protocol/>

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One page in one browser, which is closed with it.
pub struct Page {
    browser: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: Value,
    sent: u64,
    /// Every event of the page since it was opened.
    pub events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Page {
    /// Opens `file` and waits until it has loaded.
    pub fn open(file: &Path) -> Page {
        let profile = tempfile::tempdir().unwrap();
        // Chromium reads from descriptor 3 and writes to 4: the shell gives it our two pipes.
        let mut browser = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .args([
                "sh",
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
            ])
            .args(["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--hide-scrollbars", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = browser.stdin.take().unwrap();
        let mut lines = BufReader::new(browser.stdout.take().unwrap());
        let (send, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while lines.read_until(0, &mut message).is_ok_and(|n| n > 0) {
                message.pop();
                let value = serde_json::from_slice(&message).unwrap();
                if send.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut page = Page {
            browser,
            to,
            from,
            session: Value::Null,
            sent: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        page.session = page.call("Target.attachToTarget", target)["sessionId"].clone();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        let url = format!("file://{}", file.display());
        page.call("Page.navigate", json!({ "url": url }));
        page.wait("Page.loadEventFired");
        page
    }

    /// Sends a command and waits for its answer.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut message = json!({ "id": self.sent, "method": method, "params": params });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .expect("chromium runs: is Debian's package `chromium` installed?");
        loop {
            let answer = self.next(method);
            if answer["id"] == self.sent {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    #[track_caller]
    fn next(&mut self, what: &str) -> Value {
        let missing = "is Debian's package `chromium` installed?";
        self.from
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|e| panic!("chromium says nothing to `{what}` ({e}): {missing}"))
    }

    fn wait(&mut self, event: &str) {
        while !self.events.iter().any(|e| e["method"] == event) {
            let next = self.next(event);
            self.events.push(next);
        }
    }

    /// The value of an expression, evaluated in the page.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", params);
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        answer["result"]["value"].clone()
    }

    /// Presses and releases a key.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "Tab" => (9, ""),
            other => panic!("no such key here: {other}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// A real click in the middle of the first element that a selector finds.
    pub fn click(&mut self, selector: &str) {
        let find = format!(
            "(() => {{ const e = document.querySelector('{selector}'); \
             e.scrollIntoView({{ block: 'center', inline: 'center' }}); \
             const b = e.getBoundingClientRect(); \
             return {{ x: b.x + b.width / 2, y: b.y + b.height / 2 }}; }})()"
        );
        let place = self.value(&find);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// The window's size in CSS pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// `light` or `dark`, and `screen` or `print`.
    pub fn media(&mut self, scheme: &str, media: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let params = json!({ "media": media, "features": features });
        self.call("Emulation.setEmulatedMedia", params);
    }

    /// Saves the window as a PNG file in the folder that `JACKPOT_DRAW_TO` names, if it is set.
    pub fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("JACKPOT_DRAW_TO") else {
            return;
        };
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            shot["data"].as_str().unwrap(),
        );
        std::fs::write(Path::new(&folder).join(name), bytes.unwrap()).unwrap();
    }

    /// The errors of the page: exceptions, console errors, refused or failed requests.
    pub fn complaints(&self) -> Vec<String> {
        let is_complaint = |e: &&Value| match e["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Network.loadingFailed") => true,
            Some("Log.entryAdded") => e["params"]["entry"]["level"] == "error",
            Some("Runtime.consoleAPICalled") => e["params"]["type"] == "error",
            _ => false,
        };
        let complaints = self.events.iter().filter(is_complaint);
        complaints.map(|e| e["params"].to_string()).collect()
    }

    /// The addresses that the page requested, without embedded images.
    pub fn requests(&self) -> Vec<String> {
        let sent = |e: &&Value| e["method"] == "Network.requestWillBeSent";
        let address = |e: &Value| e["params"]["request"]["url"].as_str().map(str::to_owned);
        let addresses = self.events.iter().filter(sent).filter_map(address);
        addresses.filter(|a| !a.starts_with("data:")).collect()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.session = Value::Null;
        let close = json!({ "id": 0, "method": "Browser.close" });
        let _ = self.to.write_all(format!("{close}\0").as_bytes());
        let _ = self.browser.wait();
    }
}
