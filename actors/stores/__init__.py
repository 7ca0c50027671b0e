"""Where an installation keeps what must last: one protocol, two stores."""
