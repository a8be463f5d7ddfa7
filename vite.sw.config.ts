import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { defineConfig } from 'vite'

// Run after the main build: Vite's own manifest says which files the phone shell needs.
type Chunk = { file: string; css?: string[]; imports?: string[] }
const manifest: Record<string, Chunk> = JSON.parse(readFileSync('frontend/dist/manifest.json', 'utf8'))
const shell = new Set<string>()
const walk = (key: string): void => {
  const chunk = manifest[key]
  if (shell.has(chunk.file)) return
  shell.add(chunk.file)
  chunk.css?.forEach((file) => shell.add(file))
  chunk.imports?.forEach(walk)
}
walk('frontend/src/phone.ts')
walk('frontend/src/punch.ts') // punching has to work on the first day without a network
const version = createHash('sha256').update([...shell].sort().join()).update(readFileSync('frontend/dist/icons.svg')).digest('hex').slice(0, 12)

export default defineConfig({
  base: '/static/',
  publicDir: false,
  define: {
    __SHELL__: JSON.stringify([...shell, 'icons.svg'].map((file) => `/static/${file}`)),
    __VERSION__: JSON.stringify(version),
  },
  build: {
    outDir: 'frontend/dist',
    emptyOutDir: false,
    target: 'es2020',
    lib: { entry: 'frontend/src/sw.ts', formats: ['iife'], name: 'sw', fileName: () => 'sw.js' },
  },
})
