//! A server that answers as it is told, well or badly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// What is said to one request.
#[derive(Clone)]
pub enum Reply {
    /// A status, headers and a body.
    Said(u16, &'static str, String),
    /// The connection ends before the body does.
    Cut,
    /// The connection ends at once.
    Gone,
    /// Nothing for a while.
    Slow(Duration),
}

impl Reply {
    pub fn json(value: &Value) -> Self {
        Self::Said(200, "", value.to_string())
    }

    /// An answer to messages that cost 5 and 2 tokens.
    pub fn message(text: &str) -> Self {
        let usage = json!({ "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7 });
        let message = json!({ "role": "assistant", "content": text });
        Self::json(&json!({ "choices": [{ "message": message, "finish_reason": "stop" }], "usage": usage }))
    }
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub key: Option<String>,
    pub body: Value,
}

pub struct Server {
    pub address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Says one after the other, and the last one from then on.
    pub fn new(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let request = read(&stream);
                let at = {
                    let mut list = list.lock().unwrap();
                    list.push(request);
                    list.len() - 1
                };
                let reply = replies[at.min(replies.len() - 1)].clone();
                thread::spawn(move || say(stream, &reply));
            }
        });
        Self { address, seen }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Seen {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length, mut key) = (String::new(), 0, None);
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => key = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Seen { path, key, body: serde_json::from_slice(&body).unwrap() }
}

fn say(mut stream: TcpStream, reply: &Reply) {
    let head = |status, headers: &str, length: usize| {
        format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n")
    };
    let said = match reply {
        Reply::Said(status, headers, body) => head(*status, headers, body.len()) + body,
        Reply::Cut => head(200, "", 1_000) + "{\"choices\": [",
        Reply::Gone => return,
        Reply::Slow(time) => {
            thread::sleep(*time);
            return;
        }
    };
    // A client that no longer waits is no fault of the server.
    _ = stream.write_all(said.as_bytes());
}
