/**
 * Service worker of the phone pages. Built files: cache first. Pages under /m/: network first, kept copy when offline.
 * It never touches POST: what is sent waits in the page's outbox.
 */
declare const self: ServiceWorkerGlobalScope

const STATIC = `static-${__VERSION__}`
const PAGES = 'pages'
const MAX_PAGES = 60

self.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    await (await caches.open(STATIC)).addAll(__SHELL__)
    // The first visit is not controlled yet, so the start page is kept now. Not signed in: kept later.
    // Punching too: the one page that is opened where there is no network.
    for (const path of ['/m/', '/m/punch/']) await keep(new Request(path, { credentials: 'same-origin' })).catch(() => undefined)
    await self.skipWaiting()
  })())
})

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith('static-') && name !== STATIC) await caches.delete(name)
    await self.clients.claim()
  })())
})

/** Fetches a page and keeps it, unless it is an error or the sign-in page it was sent to. */
async function keep(request: Request): Promise<Response> {
  const response = await fetch(request)
  const path = new URL(response.url || request.url).pathname
  if (response.ok && path.startsWith('/m/') && !/no-store/.test(response.headers.get('Cache-Control') ?? '')) {
    const cache = await caches.open(PAGES)
    await cache.put(request.url, response.clone())
    const keys = await cache.keys()
    for (const old of keys.slice(0, Math.max(0, keys.length - MAX_PAGES))) await cache.delete(old)
  }
  return response
}

async function page(request: Request): Promise<Response> {
  // A weak link counts as none after four seconds, if there is a copy to show.
  const copy = await caches.match(request.url, { cacheName: PAGES })
  const fresh = keep(request)
  if (!copy) return fresh.catch(async () => (await caches.match('/m/', { cacheName: PAGES })) ?? offline())
  const late = new Promise<Response>((done) => setTimeout(() => done(copy), 4000))
  return Promise.race([fresh.catch(() => copy), late])
}

function offline(): Response {
  const body = '<!doctype html><html lang="zh-Hans"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>离线</title><link rel="stylesheet" href="/static/error.css"><main><h1>现在没有网络</h1><p>这一页还没有在本机打开过。联网后再试；已经填好的内容不会丢。</p><p><a href="/m/">返回首页</a></p></main>'
  return new Response(body, { status: 503, headers: { 'Content-Type': 'text/html; charset=utf-8' } })
}

async function file(request: Request): Promise<Response> {
  const copy = await caches.match(request)
  if (copy) return copy
  const response = await fetch(request)
  // Only names with a content hash may stay.
  if (response.ok && new URL(request.url).pathname.startsWith('/static/assets/')) await (await caches.open(STATIC)).put(request, response.clone())
  return response
}

self.addEventListener('fetch', (event) => {
  const { request } = event, url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate' && url.pathname.startsWith('/m/')) event.respondWith(page(request))
  else if (url.pathname.startsWith('/static/')) event.respondWith(file(request))
})

// Signing out or changing account: the kept pages belong to somebody else now.
self.addEventListener('message', (event) => { if (event.data === 'forget-pages') event.waitUntil(caches.delete(PAGES)) })
export {}
