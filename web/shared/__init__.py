"""What all pages share: layout, components, template tags, small view helpers."""
