// What `trunkline --help` says.

export const HELP = `Usage: trunkline start APP_MODULE [options]

Serves the app that a compiled JavaScript module exports as \`app\`, and stores its streams in one SQLite file.

Options
  -p, --port N     port to listen on, 0 for any free one   (PORT, default 7400)
      --host H     address to bind to                      (HOST, default 127.0.0.1)
      --data DIR   folder of trunkline.db                  (TRUNKLINE_DATA, default ./data)
  -h, --help       this text
  -v, --version    the version

Example
  trunkline start dist/app.js --port 8080
`;
