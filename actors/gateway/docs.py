"""A page that shows ``/openapi.json``: one file, no foreign host, nothing to install."""

from __future__ import annotations

from typing import Final

DOCS_PAGE: Final = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Kairos API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222 }
h2 { border-bottom: 1px solid #ccc; margin-top: 2.5rem; text-transform: capitalize }
details { border: 1px solid #ddd; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem }
summary { cursor: pointer } code, pre { font: 13px/1.45 ui-monospace, monospace }
pre { background: #f6f6f6; border-radius: 4px; overflow: auto; padding: .7rem }
.method { display: inline-block; font-weight: 700; min-width: 4.5rem } .scope { color: #666; float: right }
</style></head><body><h1>Kairos</h1><p id="about"></p><main></main>
<script>
const make = (name, text, kind) => {
  const node = document.createElement(name); node.textContent = text ?? ''; if (kind) node.className = kind; return node
}
const block = (parent, title, value) => {
  parent.append(make('p', title), make('pre', JSON.stringify(value, null, 2)))
}
const show = api => {
  document.getElementById('about').textContent = api.info.description
  const main = document.querySelector('main'), sections = {}
  for (const [path, methods] of Object.entries(api.paths)) for (const [method, call] of Object.entries(methods)) {
    const tag = call.tags[0]
    if (!sections[tag]) {
      sections[tag] = make('section'); sections[tag].append(make('h2', tag)); main.append(sections[tag])
    }
    const box = make('details'), head = make('summary')
    head.append(make('span', method.toUpperCase(), 'method'), make('code', path), make('span', ' ' + call.summary),
      make('span', call['x-scope'] ?? '', 'scope'))
    box.append(head)
    if (call.parameters) block(box, 'Parameters', call.parameters)
    const body = call.requestBody?.content?.['application/json']
    if (body?.example) block(box, 'Example', body.example)
    if (body) block(box, 'Body', body.schema)
    for (const [status, answer] of Object.entries(call.responses)) {
      box.append(make('p', status + ': ' + answer.description))
    }
    sections[tag].append(box)
  }
  main.append(make('h2', 'schemas'))
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    const box = make('details')
    box.append(make('summary', name), make('pre', JSON.stringify(schema, null, 2))); main.append(box)
  }
}
fetch('openapi.json').then(answer => answer.json()).then(show)
</script></body></html>
"""
