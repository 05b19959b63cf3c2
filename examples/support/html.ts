/** The little that the servers need to write HTML. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it stands in HTML, also between quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const LINK = /(\s(?:href|src|action)\s*=\s*)(?:"([^"]*)"|'([^']*)')/gi;

/** Replaces the links of a page to web addresses by what `rewrite` makes of them; found well enough for an example. */
export function rewriteLinks(html: string, base: string, rewrite: (url: URL) => string): string {
  return html.replace(LINK, (whole, name: string, double?: string, single?: string) => {
    const target = (double ?? single ?? '').trim().replaceAll('&amp;', '&');
    if (target.startsWith('#') || !URL.canParse(target, base)) return whole;
    const url = new URL(target, base);
    return url.protocol.startsWith('http') ? `${name}"${escapeHtml(rewrite(url))}"` : whole;
  });
}
