/** Links of HTML pages, found well enough for an example: no comments, no <base>. */

const ANCHOR = /<a\s(?:[^>]*?\s)?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;

/** The web addresses that `html` links to, absolute and without fragments, each once. */
export function findLinks(html: string, base: string): string[] {
  const links = new Set<string>();
  for (const [, double, single, bare = ''] of html.matchAll(ANCHOR)) {
    const target = (double ?? single ?? bare).trim().replaceAll('&amp;', '&');
    if (!URL.canParse(target, base)) continue;
    const url = new URL(target, base);
    url.hash = '';
    if (url.protocol === 'http:' || url.protocol === 'https:') links.add(url.href);
  }
  return [...links];
}
