// @entry Draws every `<div data-chart="json-script-id">` with ECharts (SVG). The numbers come from json_script as a Spec.
import * as echarts from 'echarts/core'
import { BarChart, GaugeChart, HeatmapChart, LineChart, PieChart, RadarChart, ScatterChart } from 'echarts/charts'
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, RadarComponent, TooltipComponent, VisualMapComponent } from 'echarts/components'
import { SVGRenderer } from 'echarts/renderers'
import langZH from 'echarts/i18n/langZH-obj.js'

echarts.use([BarChart, LineChart, PieChart, RadarChart, HeatmapChart, ScatterChart, GaugeChart, GridComponent, LegendComponent, TooltipComponent,
  VisualMapComponent, RadarComponent, AriaComponent, MarkLineComponent, SVGRenderer])
echarts.registerLocale('ZH', langZH)

/** What a view hands over. `option` is merged last, for anything this does not cover. */
interface Spec {
  kind: 'line' | 'bar' | 'stack' | 'hbar' | 'hstack' | 'donut' | 'radar' | 'heat'
  categories: string[]
  series: { name: string; data: (number | null)[]; color?: string; dashed?: boolean }[]
  unit?: string
  min?: number
  max?: number
  target?: number
  target_label?: string
  rows?: string[] // heat: names of the rows; each series is one row
  description?: string
  option?: echarts.EChartsCoreOption
}

const FONT = '"PingFang SC","Microsoft YaHei","HarmonyOS Sans SC","Noto Sans CJK SC","Noto Sans SC Variable",sans-serif'
const COLOURS = ['#1459c4', '#0f8a83', '#b7791f', '#7a4fc4', '#c2410c', '#5b6b82', '#2f9e44', '#be3a72']
const INK = '#1f2d3d', DIM = '#55637d', LINE = '#e3e8ef'

const value = (spec: Spec) => ({
  type: 'value', min: spec.min, max: spec.max, splitLine: { lineStyle: { color: LINE } }, axisLabel: { color: DIM },
})
const category = (data: string[]) => ({
  type: 'category', data, axisTick: { show: false }, axisLine: { lineStyle: { color: '#c5cedb' } }, axisLabel: { color: DIM, hideOverlap: true },
})

function option(spec: Spec, width: number): echarts.EChartsCoreOption {
  const unit = spec.unit ?? '', many = spec.series.length > 1
  const base = {
    color: COLOURS,
    textStyle: { fontFamily: FONT, color: INK, fontSize: 13 },
    animationDuration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 400,
    aria: { enabled: true, label: { description: spec.description } },
    legend: many ? { top: 0, left: 0, type: 'scroll', itemWidth: 14, itemHeight: 9, textStyle: { color: INK } } : undefined,
    tooltip: { confine: true, valueFormatter: (v: unknown) => (v === null || v === undefined ? '不知道' : `${String(v)}${unit}`) },
    grid: { left: 8, right: 18, top: many ? 40 : 16, bottom: 4, containLabel: true },
  }
  const mark = spec.target === undefined ? undefined : {
    silent: true, symbol: 'none', lineStyle: { color: '#a15c00', type: 'dashed' },
    label: { formatter: spec.target_label ?? `目标 ${spec.target}${unit}`, color: '#7a4a00', position: 'insideEndTop' },
  }
  const first = (i: number) => (i === 0 ? mark : undefined)
  switch (spec.kind) {
    case 'line':
      return { ...base, tooltip: { ...base.tooltip, trigger: 'axis' }, xAxis: { ...category(spec.categories), boundaryGap: false }, yAxis: { ...value(spec), scale: spec.min === undefined },
        // A hole in the data stays a hole: unknown is not zero.
        series: spec.series.map((s, i) => ({ type: 'line', name: s.name, data: s.data, connectNulls: false, color: s.color, showSymbol: spec.categories.length <= 31, symbolSize: 6,
          lineStyle: { width: 2.5, type: s.dashed ? 'dashed' : 'solid' }, markLine: mark && i === 0 ? { ...mark, data: [{ yAxis: spec.target }] } : undefined })) }
    case 'bar':
    case 'stack':
      return { ...base, tooltip: { ...base.tooltip, trigger: 'axis', axisPointer: { type: 'shadow' } }, xAxis: category(spec.categories), yAxis: value(spec),
        series: spec.series.map((s, i) => ({ type: 'bar', name: s.name, data: s.data, color: s.color, stack: spec.kind === 'stack' ? 'a' : undefined, barMaxWidth: 30,
          markLine: first(i) && { ...mark, data: [{ yAxis: spec.target }] } })) }
    case 'hbar':
    case 'hstack':
      return { ...base, tooltip: { ...base.tooltip, trigger: 'axis', axisPointer: { type: 'shadow' } }, grid: { ...base.grid, right: 48 }, xAxis: value(spec), yAxis: { ...category(spec.categories), inverse: true, axisLabel: { color: DIM, width: Math.round(width * .4), overflow: 'break' } },
        series: spec.series.map((s, i) => ({ type: 'bar', name: s.name, data: s.data, color: s.color, stack: spec.kind === 'hstack' ? 'a' : undefined, barMaxWidth: 18,
          label: many ? undefined : { show: true, position: 'right', color: INK, formatter: (p: { value: unknown }) => `${String(p.value)}${unit}` },
          markLine: first(i) && { ...mark, data: [{ xAxis: spec.target }] } })) }
    case 'donut':
      return { ...base, legend: { bottom: 0, type: 'scroll', itemWidth: 14, itemHeight: 9, textStyle: { color: INK } }, tooltip: { ...base.tooltip, trigger: 'item' },
        series: [{ type: 'pie', center: ['50%', '44%'], radius: ['42%', '62%'], label: { formatter: `{c}${unit}`, color: INK }, data: spec.categories.map((name, i) => ({ name, value: spec.series[0]?.data[i] })) }] }
    case 'radar':
      return { ...base, radar: { indicator: spec.categories.map((name) => ({ name, min: spec.min ?? 0, max: spec.max ?? 100 })), axisName: { color: INK }, radius: '66%' },
        series: [{ type: 'radar', data: spec.series.map((s) => ({ name: s.name, value: s.data, areaStyle: { opacity: 0.08 } })) }] }
    case 'heat':
      return { ...base, legend: undefined, grid: { ...base.grid, bottom: 40, top: 8 }, xAxis: category(spec.categories), yAxis: category(spec.rows ?? spec.series.map((s) => s.name)),
        visualMap: { min: spec.min ?? 0, max: spec.max ?? Math.max(1, ...spec.series.flatMap((s) => s.data.map((v) => v ?? 0))), orient: 'horizontal', left: 'center', bottom: 0, itemHeight: 120, itemWidth: 10,
          text: ['多', '少'], textStyle: { color: DIM }, inRange: { color: ['#eef3fb', '#a9c5f2', '#4f8ae0', '#1459c4', '#0b3a86'] } },
        series: [{ type: 'heatmap', data: spec.series.flatMap((s, y) => s.data.map((v, x) => [x, y, v ?? '-'])), itemStyle: { borderColor: '#fff', borderWidth: 2 } }] }
  }
}

const drawn = new WeakSet<HTMLElement>()
function drawAll(): void {
  for (const el of document.querySelectorAll<HTMLElement>('[data-chart]')) {
    const source = document.getElementById(el.dataset.chart!)
    if (!source || drawn.has(el)) continue
    drawn.add(el)
    const spec = JSON.parse(source.textContent ?? '') as Spec
    const chart = echarts.init(el, null, { renderer: 'svg', locale: 'ZH' })
    chart.setOption({ ...option(spec, el.clientWidth), ...(spec.option ?? {}) })
    el.setAttribute('role', 'img')
    el.setAttribute('aria-label', spec.description ?? el.dataset.chartTitle ?? '图表')
    new ResizeObserver(() => chart.resize()).observe(el)
  }
  document.body.dataset.charts = '1'
}

drawAll()
document.addEventListener('htmx:after:swap', drawAll)
addEventListener('beforeprint', () => document.querySelectorAll<HTMLElement>('[data-chart]').forEach((el) => echarts.getInstanceByDom(el)?.resize()))
