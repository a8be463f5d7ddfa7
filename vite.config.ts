import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const ICONS = 'node_modules/@tabler/icons/icons'

/** Where an icon may be named, and how it is written there. */
const SOURCES = ['web', 'platform', 'tenants', 'frontend/src']
const PATTERNS: Record<string, RegExp[]> = {
  html: [/\{%\s*icon\s+[\w.]+\|default:["']([a-z0-9-]+)["']/g, /\{%\s*icon\s+["']([a-z0-9-]+)["']/g, /\bicon=["']([a-z0-9-]+)["']/g],
  py: [/\bicon\s*=\s*["']([a-z0-9-]+)["']/g, /["']icon["']\s*:\s*["']([a-z0-9-]+)["']/g],
  ts: [/\bicon\(["']([a-z0-9-]+)["']/g],
}

function* files(folder: string): Generator<string> {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.name === '__pycache__') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* files(path)
    else yield path
  }
}

/** Every icon name the sources mention, with the first place it stands. */
function wanted(): Map<string, string> {
  const found = new Map<string, string>()
  for (const source of SOURCES) for (const path of files(source)) {
    const patterns = PATTERNS[path.slice(path.lastIndexOf('.') + 1)]
    if (!patterns) continue
    const text = readFileSync(path, 'utf8')
    for (const pattern of patterns) for (const match of text.matchAll(pattern)) {
      const line = text.slice(0, match.index).split('\n').length
      if (!found.has(match[1])) found.set(match[1], `${path}:${line}`)
    }
  }
  return found
}

/** One SVG sprite of the icons that templates and views name. `name` is outline, `name-filled` is filled. */
function sprite(): Plugin {
  return {
    name: 'sprite',
    generateBundle() {
      const missing: string[] = []
      const symbols = [...wanted()].sort().map(([name, place]) => {
        const filled = name.endsWith('-filled')
        const file = filled ? `${ICONS}/filled/${name.slice(0, -7)}.svg` : `${ICONS}/outline/${name}.svg`
        if (!existsSync(file)) {
          const head = name.split('-')[0].slice(0, 5)
          const near = readdirSync(`${ICONS}/outline`).map((f) => basename(f, '.svg')).filter((n) => n.startsWith(head)).slice(0, 8)
          missing.push(`  "${name}" (${place})${near.length ? `: did you mean ${near.join(', ')}?` : ''}`)
          return ''
        }
        const body = readFileSync(file, 'utf8').replace(/^[\s\S]*?<svg[^>]*>/, '').replace('</svg>', '').replace(/\s+/g, ' ').trim()
        const paint = filled ? 'fill="currentColor"' : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"'
        return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${body}</symbol>`
      })
      if (missing.length) throw new Error(`No such icon in @tabler/icons (see https://tabler.io/icons):\n${missing.join('\n')}`)
      this.emitFile({ type: 'asset', fileName: 'icons.svg', source: `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>` })
    },
  }
}

/** Every .ts file that says `// @entry` in its first line is an entry: a new page script needs no change here. */
function entries(): string[] {
  return [...files('frontend/src')].filter((f) => f.endsWith('.ts') && readFileSync(f, 'utf8').startsWith('// @entry')).map((f) => resolve(f))
}

/** GraphiQL brings its fonts inside its CSS; our Content Security Policy and our own fonts want none of them. */
function withoutFonts(): Plugin {
  return {
    name: 'without-fonts',
    enforce: 'pre',
    transform(code, id) {
      return id.includes('/graphiql/dist/style.css') ? code.replace(/@font-face\s*\{[^}]*\}/g, '') : undefined
    },
  }
}

export default defineConfig({
  base: '/static/',
  publicDir: 'frontend/public',
  build: {
    outDir: 'frontend/dist',
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2020',
    cssTarget: ['chrome111', 'safari16.2', 'firefox113'],
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rollupOptions: {
      input: entries(),
      onwarn: (warning, warn) => warning.code !== 'MODULE_LEVEL_DIRECTIVE' && warn(warning), // "use client" of GraphiQL's parts
    },
  },
  plugins: [sprite(), withoutFonts()],
})
