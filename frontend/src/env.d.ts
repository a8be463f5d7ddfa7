/// <reference types="vite/client" />
declare module 'htmx.org/dist/htmx.esm.js'
declare module 'htmx.org/dist/ext/hx-sse.js'
declare module 'echarts/i18n/langZH-obj.js'
declare module '@alpinejs/csp'
declare module '@fontsource-variable/noto-sans-sc/wght.css'
declare const __SHELL__: string[]
declare const __VERSION__: string
