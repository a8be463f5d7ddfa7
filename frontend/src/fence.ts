// @entry The fence editor: an own plane in metres, no map tiles. The form's numbers are the truth; the drawing follows and changes them.
import './fence.css'

type XY = [east: number, north: number]
const EARTH = 6_371_008.8, W = 800, H = 600, NS = 'http://www.w3.org/2000/svg'
const rad = (degrees: number): number => degrees * Math.PI / 180

function start(box: HTMLElement, form: HTMLFormElement): void {
  const input = <T extends HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>(name: string): T => form.querySelector<T>(`[name="${name}"]`)!
  const shape = input<HTMLSelectElement>('shape'), lat = input<HTMLInputElement>('latitude'), lon = input<HTMLInputElement>('longitude'), radius = input<HTMLInputElement>('radius_m'), corners = input<HTMLTextAreaElement>('corners')
  const said = document.querySelector<HTMLElement>('#plane-said')!
  const dots = JSON.parse(document.getElementById('dots')?.textContent ?? '[]') as { latitude: number; longitude: number; status: string }[]
  let origin: [number, number] | null = null // latitude, longitude of the plane's middle
  let scale = 1 // pixels per metre
  let chosen = 0
  const svg = document.createElementNS(NS, 'svg')
  svg.setAttribute('viewBox', `0 0 ${W} ${H}`)
  box.append(svg)

  const circle = (): boolean => shape.value === 'circle'
  const number = (el: HTMLInputElement): number | null => el.value.trim() === '' || !Number.isFinite(Number(el.value)) ? null : Number(el.value)
  const ring = (): [number, number][] => corners.value.split('\n').map((line) => line.replace('，', ',').split(',').map(Number)).filter((pair): pair is [number, number] => pair.length === 2 && pair.every(Number.isFinite))
  const setRing = (points: [number, number][]): void => { corners.value = points.map(([a, b]) => `${a.toFixed(6)},${b.toFixed(6)}`).join('\n') }
  const metres = (a: number, b: number): XY => [rad(b - origin![1]) * EARTH * Math.cos(rad(origin![0])), rad(a - origin![0]) * EARTH]
  const place = ([east, north]: XY): [number, number] => [origin![0] + north / EARTH * 180 / Math.PI, origin![1] + east / (EARTH * Math.cos(rad(origin![0]))) * 180 / Math.PI]
  const pixel = ([east, north]: XY): XY => [W / 2 + east * scale, H / 2 - north * scale]
  const unpixel = ([x, y]: XY): XY => [(x - W / 2) / scale, (H / 2 - y) / scale]
  const known = (): [number, number][] => circle() ? (number(lat) !== null && number(lon) !== null ? [[number(lat)!, number(lon)!]] : []) : ring()

  function fit(): void {
    const points = [...known(), ...dots.map((dot): [number, number] => [dot.latitude, dot.longitude])]
    if (!points.length) return
    const middle = (index: 0 | 1, of: [number, number][]): number => (Math.min(...of.map((p) => p[index])) + Math.max(...of.map((p) => p[index]))) / 2
    const own = known()
    origin = own.length ? [middle(0, own), middle(1, own)] : [middle(0, points), middle(1, points)]
    const reach = Math.max(60, circle() ? (number(radius) ?? 100) : 0, ...known().map(([a, b]) => Math.hypot(...metres(a, b))))
    scale = H / 2 / (reach * 1.35)
  }

  const add = (name: string, attributes: Record<string, string | number>, text = ''): SVGElement => {
    const el = document.createElementNS(NS, name)
    for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, String(value))
    if (text) el.textContent = text
    svg.append(el)
    return el
  }

  function draw(): void {
    svg.replaceChildren()
    const k = Math.max(1, W / (box.clientWidth || W)) // a finger is as large on a small screen
    svg.style.setProperty('--k', String(k))
    form.querySelectorAll<HTMLElement>('[data-for]').forEach((el) => {
      const name = el.dataset.for!
      el.hidden = circle() ? name === 'corners' : ['latitude', 'longitude', 'radius_m'].includes(name)
    })
    if (!origin) return
    const step = [10, 20, 50, 100, 200, 500, 1000, 2000].find((s) => s * scale >= 40) ?? 5000
    for (let n = -60; n <= 60; n++) {
      const [x, y] = pixel([n * step, n * step])
      if (x >= 0 && x <= W) add('line', { class: n % 10 ? 'grid' : 'grid tenth', x1: x, x2: x, y1: 0, y2: H })
      if (y >= 0 && y <= H) add('line', { class: n % 10 ? 'grid' : 'grid tenth', x1: 0, x2: W, y1: y, y2: y })
    }
    for (const dot of dots) {
      const [x, y] = pixel(metres(dot.latitude, dot.longitude))
      if (x > -9 && x < W + 9 && y > -9 && y < H + 9) add('circle', { class: `dot ${dot.status === 'accepted' ? 'ok' : 'bad'}`, cx: x, cy: y, r: 4 * k })
    }
    const points = known().map(([a, b]) => pixel(metres(a, b)))
    if (circle()) {
      const size = number(radius) ?? 100
      for (const [x, y] of points) {
        add('circle', { class: 'area', cx: x, cy: y, r: Math.max(1, size * scale) })
        add('circle', { class: `knob${chosen === 0 ? ' on' : ''}`, cx: x, cy: y, r: 10 * k, 'data-knob': 0 })
        add('circle', { class: `knob${chosen === 1 ? ' on' : ''}`, cx: x + size * scale, cy: y, r: 10 * k, 'data-knob': 1 })
      }
      said.textContent = points.length ? `圆形，半径 ${size} 米；每格 ${step} 米` : '还没有中心：点“用当前位置”，或填中心的纬度和经度。'
    } else {
      if (points.length) add('polygon', { class: 'area', points: points.map((p) => p.join(',')).join(' ') })
      points.forEach(([x, y], n) => add('circle', { class: `knob${chosen === n ? ' on' : ''}`, cx: x, cy: y, r: 10 * k, 'data-knob': n }))
      said.textContent = points.length ? `${points.length} 个角${points.length < 3 ? '，至少要 3 个' : ''}；每格 ${step} 米` : '还没有角：点“用当前位置”后“加一个角”，或在右边填纬度和经度。'
    }
    add('text', { x: 10, y: H - 10 }, `每格 ${step} 米`)
    add('text', { x: W - 28 * k, y: 18 * k }, '北↑')
  }

  function move(knob: number, to: XY): void {
    const [a, b] = place(to)
    if (!circle()) {
      const points = ring()
      points[knob] = [a, b]
      setRing(points)
    } else if (knob === 0) {
      lat.value = a.toFixed(6)
      lon.value = b.toFixed(6)
    } else {
      const [east, north] = metres(number(lat)!, number(lon)!)
      radius.value = String(Math.min(5000, Math.max(10, Math.round(Math.hypot(to[0] - east, to[1] - north)))))
    }
    draw()
  }

  const at = (event: PointerEvent): XY => {
    const frame = svg.getBoundingClientRect()
    return unpixel([(event.clientX - frame.left) / frame.width * W, (event.clientY - frame.top) / frame.height * H])
  }
  let held: number | null = null
  svg.addEventListener('pointerdown', (event) => {
    const knob = (event.target as Element).getAttribute('data-knob')
    if (knob === null) return
    held = chosen = Number(knob)
    svg.setPointerCapture(event.pointerId)
    draw()
  })
  svg.addEventListener('pointermove', (event) => { if (held !== null) move(held, at(event)) })
  const drop = (): void => { held = null }
  svg.addEventListener('pointerup', drop)
  svg.addEventListener('pointercancel', drop)

  box.addEventListener('keydown', (event) => {
    const by: Record<string, XY> = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }
    const count = circle() ? 2 : ring().length
    if (event.key === '[' || event.key === ']') {
      chosen = (chosen + (event.key === ']' ? 1 : count - 1)) % Math.max(1, count)
      return draw()
    }
    const step = by[event.key]
    if (!step || !origin || !known().length) return
    event.preventDefault()
    const size = event.shiftKey ? 20 : 5, points = known()
    const [a, b] = circle() ? points[0]! : points[Math.min(chosen, points.length - 1)]!
    const [east, north] = metres(a, b)
    const edge = circle() && chosen === 1 ? (number(radius) ?? 100) : 0
    move(circle() ? chosen : Math.min(chosen, points.length - 1), [east + edge + step[0] * size, north + (edge ? 0 : step[1] * size)])
  })

  const on = (name: string, act: () => void): void => document.querySelector(`[data-${name}]`)?.addEventListener('click', act)
  on('here', () => {
    said.textContent = '正在取定位…'
    navigator.geolocation?.getCurrentPosition((found) => {
      const { latitude, longitude, accuracy } = found.coords
      if (circle() || !ring().length) { lat.value = latitude.toFixed(6); lon.value = longitude.toFixed(6) }
      if (!circle()) setRing([...ring(), [latitude, longitude]])
      fit()
      draw()
      said.textContent += `；当前位置误差约 ${Math.round(accuracy)} 米`
    }, () => { said.textContent = '取不到当前位置，请允许定位，或直接填纬度和经度。' }, { enableHighAccuracy: true, timeout: 20_000 })
  })
  on('corner', () => {
    if (circle()) { shape.value = 'polygon'; if (origin === null && number(lat) !== null) fit() }
    const points = ring()
    if (!origin) { fit(); if (!origin) { said.textContent = '先点“用当前位置”，或在右边填一个角的纬度和经度。'; return } }
    if (points.length < 2) {
      const size = 40 / 1
      setRing([place([-size, -size]), place([size, -size]), place([size, size]), place([-size, size])])
    } else {
      const here = Math.min(chosen, points.length - 1), a = metres(...points[here]!), b = metres(...points[(here + 1) % points.length]!)
      points.splice(here + 1, 0, place([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]))
      chosen = here + 1
      setRing(points)
    }
    draw()
  })
  on('uncorner', () => { if (!circle()) { const points = ring(); points.splice(chosen, 1); chosen = 0; setRing(points); draw() } })
  on('fit', () => { fit(); draw() })
  on('in', () => { scale *= 1.4; draw() })
  on('out', () => { scale /= 1.4; draw() })
  for (const el of [shape, lat, lon, radius, corners]) el.addEventListener('input', () => { if (!origin) fit(); draw() })
  fit()
  draw()
}

const box = document.querySelector<HTMLElement>('#plane'), form = document.querySelector<HTMLFormElement>('#fence-form')
if (box && form) start(box, form)
export {}
