/** The page that the chat is shown on: empty but for its script, which may fetch nothing. Pure. */

export type Parts = {
  /** Where a view may load from, as VS Code names it. */
  readonly cspSource: string;
  readonly nonce: string;
  readonly script: string;
  readonly style: string;
};

/** Returns the page's HTML. */
export function html({ cspSource, nonce, script, style }: Parts): string {
  const policy = [
    "default-src 'none'",
    `style-src ${cspSource}`,
    `script-src 'nonce-${nonce}'`,
    `font-src ${cspSource}`,
    `img-src ${cspSource}`,
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${escaped(style)}">
<title>farebox chat</title>
</head>
<body>
<script nonce="${escaped(nonce)}" src="${escaped(script)}"></script>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
