// Tones are names of the page's tokens; light-dark() is resolved by the browser only on a real
// property, so each is asked of a probe where the chart stands.
const TOKENS = { muted: "ink-3", quiet: "ink-2" };
const KNOWN = /^(record|engage|experience|danger)(-wash)?$|^(accent|muted|quiet|ink|line|surface|sunken|paper)$/;
export const CYCLE = ["record", "engage", "experience", "accent", "muted", "danger"];

export function paint(place) {
  const known = new Map();
  return (tone) => {
    if (!KNOWN.test(tone)) return tone;
    if (!known.has(tone)) known.set(tone, resolved(TOKENS[tone] ?? tone, place));
    return known.get(tone);
  };
}

function resolved(token, place) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${token})`;
  place.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
