// What `trunkline --help` says.

export const HELP = `Usage: trunkline start APP_MODULE [options]    serve an app
       trunkline echo [options]                a WebSocket server that echoes
       trunkline tap URL [options]             a WebSocket client for the terminal

  -h, --help       this text
  -v, --version    the version

start serves the app that a compiled JavaScript module exports as \`app\`, and stores its streams in one SQLite file.
  -p, --port N     port to listen on, 0 for any free one   (PORT, default 7400)
      --host H     address to bind to                      (HOST, default 127.0.0.1)
      --data DIR   folder of trunkline.db                  (TRUNKLINE_DATA, default ./data)
      --drain S    seconds that clients have to move to    (TRUNKLINE_DRAIN, default 0)
                   another server when this one is stopped
The HTTP API takes the API keys that TRUNKLINE_API_KEYS names, in the environment only: "prices=SECRET crm=sha256:HASH", each of at
least 32 characters (openssl rand -hex 32), or the SHA-256 of one in 64 hexadecimal digits.
SIGTERM and Ctrl-C say goodbye to the clients, answer what is in work, close the store and end with 0, within 5 seconds and
those of --drain; a second one ends at once. GET /healthz answers 200 while clients may be sent here.

echo answers every message with itself.
  -p, --port N, --host H   as above
      --deflate            compress for clients that offer it (permessage-deflate)
      --tls                serve wss, with a certificate made for this run (tap: --insecure), or
      --cert FILE          with this one and
      --key FILE           its key, in PEM format
      --max-message BYTES  largest message accepted            (default 1048576)

tap sends each line of its input as a message, and shows each frame: time, direction, kind, size, content.
Ctrl-C closes with 1000 and shows the answer.
      --subprotocol NAME   asked for; may be repeated
  -H, --header "N: V"      sent with the handshake; may be repeated
      --binary             lines are hex, sent as binary messages
      --deflate            offer permessage-deflate
      --ca FILE            who may sign the server's certificate, in PEM format
  -k, --insecure           accept any certificate
      --shown BYTES        of each payload                     (default 4096)
      --linger MS          at the end of piped input: closes after so long without a frame (default 1000)
      --stay               at the end of piped input: stays
tap URL --stream NAME follows a stream of a Trunkline server instead: of a log its entries, of a table its rows and then what
changes in them (+ a row, ~ fields, - a row that is gone). Those go to standard output, remarks to standard error.
      --token TEXT         for hello                           (TRUNKLINE_TOKEN)
      --last N             of a log: entries to begin with     (default 50)
      --keys A,B           of a table: these rows, %2C for a comma in a key; may be repeated (default all)
      --rate N             of a table: so often a second, above 0, at most 100 (default at each change)
      --json               each line is one JSON object

Exit codes: 0 ended as asked, or closed with 1000, 1001 or no code; 1 failed; 2 the command line made no sense.

Examples
  trunkline start dist/app.js --port 8080
  trunkline tap wss://example.com/chat --subprotocol chat.v1
  trunkline tap http://127.0.0.1:7400 --stream chat/lobby --token "$TOKEN"
  trunkline tap http://127.0.0.1:7400 --stream quotes/nyse --keys ACME,GLOBEX --rate 2 --json | jq .patch
`;
