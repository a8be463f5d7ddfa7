// @entry Programme pages and the application form of the public host.
import './site.css'
